import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/** A counter as it was read. `bits` 0 = width unknown. */
export interface CounterReading {
  readonly value: bigint;
  readonly at: EpochMs;
  readonly bits: 0 | 32 | 64;
}

/** What happened to the device between or with two readings; times 0 = never. */
export interface CounterContext {
  /** Sample that showed the device's newest restart. */
  readonly restartedAt: EpochMs;
  /** Sample that showed a change of ifCounterDiscontinuityTime. */
  readonly discontinuityAt: EpochMs;
  /** Most that the line can count in a second; 0 = line rate unknown. */
  readonly maxPerSecond: number;
  /** Longer than this between two readings is a gap. */
  readonly gapAfter: DurationMs;
}

/** A rate, or the name of what kept it from being one. */
export type RateOutcome =
  | { readonly kind: 'rate'; readonly perSecond: number; readonly wrapped: 0 | 32 | 64 }
  | { readonly kind: RefusedRate };

export type RefusedRate =
  | 'repeated'
  | 'rebooted'
  | 'discontinuity'
  | 'gap'
  | 'cleared'
  | 'ambiguous'
  | 'impossible';

/**
 * Polls are dated by their start and a row may be read seconds later, and ifSpeed is rounded: this
 * much above the line rate is still believed.
 */
export const LINE_RATE_TOLERANCE = 1.25;

const REFUSED = Object.fromEntries(
  (
    ['repeated', 'rebooted', 'discontinuity', 'gap', 'cleared', 'ambiguous', 'impossible'] as const
  ).map((kind) => [kind, { kind }]),
) as { readonly [K in RefusedRate]: { readonly kind: K } };

/**
 * Counter to rate, exactly: the difference is taken as bigint. A counter that went back has wrapped
 * only if the line could have counted so far meanwhile, else somebody cleared it. Where the line can
 * wrap the counter more than once between two readings (10 Gbit/s and 32 bits: in 3.4 s) the
 * difference is worth nothing (RFC 2863, 3.1.6).
 */
export function toRate(
  before: CounterReading,
  now: CounterReading,
  context: CounterContext,
): RateOutcome {
  if (now.value >= before.value) {
    const outcome = growthRate(Number(now.value - before.value), before, now, context);
    if (typeof outcome === 'string') return REFUSED[outcome];
    return { kind: 'rate', perSecond: outcome, wrapped: 0 };
  }
  const refused = refusal(before, now, context);
  if (refused !== undefined) return REFUSED[refused];
  const seconds = (now.at - before.at) / 1000;
  const most = context.maxPerSecond * LINE_RATE_TOLERANCE * seconds;
  if (now.bits === 0) return REFUSED.cleared;
  const counted = Number(now.value + (1n << BigInt(now.bits)) - before.value);
  // Without a line rate: whoever polls often enough sees less than half the range go by.
  if (counted > (most > 0 ? most : 2 ** (now.bits - 1))) return REFUSED.cleared;
  return { kind: 'rate', perSecond: counted / seconds, wrapped: now.bits };
}

/** As `toRate`, per second, of a counter that has grown by so much: for millions of them in a row. */
export function growthRate(
  counted: number,
  before: Omit<CounterReading, 'value'>,
  now: Omit<CounterReading, 'value'>,
  context: CounterContext,
): number | RefusedRate {
  const refused = refusal(before, now, context);
  if (refused !== undefined) return refused;
  const seconds = (now.at - before.at) / 1000;
  const most = context.maxPerSecond * LINE_RATE_TOLERANCE * seconds;
  return most > 0 && counted > most ? 'impossible' : counted / seconds;
}

const RANGE = { 0: 1, 32: 2 ** 32, 64: 2 ** 64 } as const;

/** Why two readings have no difference that means anything, whatever their values. */
function refusal(
  before: Omit<CounterReading, 'value'>,
  now: Omit<CounterReading, 'value'>,
  context: CounterContext,
): RefusedRate | undefined {
  const elapsedMs = now.at - before.at;
  if (elapsedMs <= 0) return 'repeated';
  if (context.restartedAt > before.at) return 'rebooted';
  if (context.discontinuityAt > before.at || now.bits !== before.bits) return 'discontinuity';
  if (elapsedMs > context.gapAfter) return 'gap';
  const counts = (context.maxPerSecond * elapsedMs) / 1000;
  return now.bits > 0 && counts > RANGE[now.bits] ? 'ambiguous' : undefined;
}
