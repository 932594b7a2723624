import { type DurationMs, type EpochMs, later, minutes } from '../../protocol/model/units.ts';
import { restDelay } from './retry.ts';

/** Wrong credentials are mended by a person: one try in five minutes, not one alarm per ticket. */
const CREDENTIALS_REST: DurationMs = minutes(5);
/** 410 switches a destination off until the configuration changes; its rows are kept. */
const GONE_REST: DurationMs = minutes(10);

export type DestinationState =
  | { readonly kind: 'well' }
  | {
      readonly kind: 'failing';
      readonly failures: number;
      readonly until: EpochMs;
      /** It asked for this rest (Retry-After); an answer to another message does not end it. */
      readonly isAsked: boolean;
      readonly why: string;
    }
  | { readonly kind: 'unauthorised'; readonly until: EpochMs; readonly why: string }
  | { readonly kind: 'gone'; readonly why: string };

/**
 * Whether a destination may be tried.
 *
 *   well ─no answer, 429, 502 to 504─▶ failing ─rest over─▶ one row tries for all ─answer─▶ well
 *   well ─401, 403─▶ unauthorised (the same, every 5 min, one loud log line)
 *   well ─410─▶ gone (until the configuration changes)
 */
export interface Rests {
  state(destination: string): DestinationState;
  /** Undefined: try now. Otherwise not before this time, and why. */
  restUntil(destination: string, now: EpochMs): { until: EpochMs; why: string } | undefined;
  failed(destination: string, now: EpochMs, why: string, retryAfter?: DurationMs): void;
  unauthorised(destination: string, now: EpochMs, why: string): void;
  gone(destination: string, why: string): void;
  /** The destination answered. True when it had been failing. */
  answered(destination: string, now: EpochMs): boolean;
  /** A row leaves while the destination is not well: it tries for all, the others wait for it. */
  trying(destination: string): void;
  tried(destination: string): void;
}

const WELL: DestinationState = { kind: 'well' };

export function createRests(): Rests {
  const states = new Map<string, DestinationState>();
  const probes = new Set<string>();
  const state = (destination: string): DestinationState => states.get(destination) ?? WELL;
  return {
    state,
    restUntil: (destination, now) => {
      const current = state(destination);
      if (current.kind === 'well') return undefined;
      if (current.kind === 'gone') return { until: later(now, GONE_REST), why: current.why };
      if (now < current.until) return { until: current.until, why: current.why };
      if (!probes.has(destination)) return undefined;
      return { until: later(now, restDelay(1)), why: current.why };
    },
    failed: (destination, now, why, retryAfter) => {
      const current = state(destination);
      // Requests that were under way together fail together: that is one failure.
      if (current.kind === 'failing' && now < current.until && retryAfter === undefined) return;
      const failures = current.kind === 'failing' ? current.failures + 1 : 1;
      const until = later(now, restDelay(failures, retryAfter));
      const isAsked = retryAfter !== undefined;
      states.set(destination, { kind: 'failing', failures, until, isAsked, why });
    },
    unauthorised: (destination, now, why) => {
      states.set(destination, { kind: 'unauthorised', until: later(now, CREDENTIALS_REST), why });
    },
    gone: (destination, why) => {
      states.set(destination, { kind: 'gone', why });
    },
    answered: (destination, now) => {
      const current = state(destination);
      if (current.kind === 'failing' && current.isAsked && now < current.until) return false;
      probes.delete(destination);
      return states.delete(destination);
    },
    trying: (destination) => {
      if (state(destination).kind !== 'well') probes.add(destination);
    },
    tried: (destination) => {
      probes.delete(destination);
    },
  };
}
