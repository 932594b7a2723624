import { hash } from 'node:crypto';
import type { Command } from '../../protocol/model/command.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import type { InterfaceAttributes, ObservedBatch } from '../../protocol/model/sample.ts';
import type { AgentId } from '../../protocol/model/subject.ts';
import { assertNever, type EpochMs } from '../../protocol/model/units.ts';
import type { Dictionary, Heartbeat } from '../../protocol/wire/batch.ts';
import type { Engine, Instant, Snapshot } from '../../rules/contract.ts';
import { type JsonText, objectText } from '../../rules/json-text.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import type { InputRecord } from '../ports/input-log.ts';
import { takeBatch, takeDictionary, takeHeartbeat, takeUnjudged } from './admission.ts';
import { jsonText } from './json-pieces.ts';
import { createKnown, type Known, type KnownSnapshot } from './known.ts';
import { shortHash } from './lane.ts';
import { readBatch } from './scan-batch.ts';
import { createSenders, type Senders, type SendersSnapshot } from './senders.ts';

/** What an input does, once it is durable. */
export type Effect =
  | {
      readonly kind: 'batch';
      readonly agent: AgentId;
      readonly observed: () => ObservedBatch;
      readonly interfaces: readonly InterfaceAttributes[];
      readonly sentAt?: EpochMs;
    }
  | {
      readonly kind: 'heartbeat';
      readonly agent: AgentId;
      readonly heartbeat: Heartbeat;
      readonly sentAt?: EpochMs;
    }
  | { readonly kind: 'dictionary' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'config'; readonly settings: EngineSettings };

export type EngineFactory = (settings: EngineSettings, snapshot?: Snapshot) => Engine;

/** Hears everything that is applied, live or replayed, in log order. */
export interface CoreListener {
  /** The samples are good during the call; copy what is to be kept. */
  observed?(batch: ObservedBatch, at: Instant): void;
  heard?(agent: AgentId, at: Instant, sentAt?: EpochMs, heartbeat?: Heartbeat): void;
  learned?(interfaces: readonly InterfaceAttributes[]): void;
  configured?(settings: EngineSettings): void;
}

/** Everything that is a function of the log: what the senders said, and the engine. */
export interface Core {
  readonly senders: Senders;
  readonly known: Known;
  readonly settings: EngineSettings | undefined;
  apply(effect: Effect, at: Instant): Fact[];
  /** A record of the log, through the same code as when it came. Undefined: it cannot be read. */
  replay(record: InputRecord): Fact[] | undefined;
  /** JSON of a `CoreSnapshot`, made bit by bit; nothing may be applied until all of it is made. */
  snapshotText(): JsonText;
}

export interface CoreSnapshot {
  readonly settings: EngineSettings | undefined;
  readonly senders: SendersSnapshot;
  readonly known: KnownSnapshot;
  readonly engine: Snapshot;
}

/** What was accepted once stays accepted: settings may have changed since. */
const ANYTHING = (): boolean => true;

export function createCore(
  createEngine: EngineFactory,
  listener: CoreListener,
  snapshot?: CoreSnapshot,
): Core {
  const senders = createSenders(snapshot?.senders);
  const known = createKnown(snapshot?.known);
  let settings = snapshot?.settings;
  let engine = settings && createEngine(settings, snapshot?.engine);

  function configure(next: EngineSettings, at: Instant): Fact[] {
    settings = next;
    engine ??= createEngine(next);
    const facts = engine.configure(next, at);
    listener.configured?.(next);
    return facts;
  }

  function apply(effect: Effect, at: Instant): Fact[] {
    switch (effect.kind) {
      case 'batch':
        return applyBatch(effect, at);
      case 'heartbeat': {
        const { agent, heartbeat, sentAt } = effect;
        known.heard(agent, { at: at.now, heartbeat, ...(sentAt === undefined ? {} : { sentAt }) });
        listener.heard?.(agent, at, sentAt, heartbeat);
        return engine?.heard(agent, at) ?? [];
      }
      case 'tick':
        return engine?.tick(at) ?? [];
      case 'command':
        return engine?.apply(effect.command, at) ?? [];
      case 'config':
        return configure(effect.settings, at);
      case 'dictionary':
        return [];
      default:
        return assertNever(effect);
    }
  }

  function applyBatch(
    { agent, observed, interfaces, sentAt }: Extract<Effect, { kind: 'batch' }>,
    at: Instant,
  ): Fact[] {
    known.heard(agent, { at: at.now, ...(sentAt === undefined ? {} : { sentAt }) });
    listener.heard?.(agent, at, sentAt);
    if (interfaces.length > 0) {
      known.learned(interfaces);
      listener.learned?.(interfaces);
    }
    const batch = observed();
    listener.observed?.(batch, at);
    if (engine === undefined) return [];
    const heard = engine.heard(agent, at);
    const seen = engine.observe(batch, at);
    return heard.length === 0 ? seen : [...heard, ...seen];
  }

  return {
    senders,
    known,
    get settings() {
      return settings;
    },
    apply,
    replay(record) {
      const effect = effectOf(senders, record);
      return effect && apply(effect, { now: record.now, position: record.position });
    },
    snapshotText: () =>
      objectText({
        ...(settings === undefined ? {} : { settings: jsonText(settings) }),
        senders: senders.snapshotText(),
        known: jsonText(known.snapshot()),
        ...(engine === undefined ? {} : { engine: engine.snapshotText() }),
      }),
  };
}

/**
 * What a record does, with its own effect on the log state done. Undefined when the state it needs
 * is missing (a log without its beginning and without a snapshot). Of a `fragment` of the log the
 * sequences are not judged: its beginning is unknown, and what is in the log was taken once.
 */
export function effectOf(
  senders: Senders,
  record: InputRecord,
  isFragment = false,
): Effect | undefined {
  if (record.kind === 'batch') return batchEffect(senders, record, isFragment);
  const body: unknown = JSON.parse(record.body.toString());
  switch (record.kind) {
    case 'heartbeat': {
      const { from: agent, now, sentAt } = record;
      takeHeartbeat(senders, agent, now, sentAt);
      return { kind: 'heartbeat', agent, heartbeat: body as Heartbeat, ...optional({ sentAt }) };
    }
    case 'dictionary':
      takeDictionary(senders, record.from, body as Dictionary, record.now, ANYTHING);
      return { kind: 'dictionary' };
    case 'tick':
      return { kind: 'tick' };
    case 'command':
      return { kind: 'command', command: body as Command };
    case 'config':
      return { kind: 'config', settings: body as EngineSettings };
    default:
      return assertNever(record.kind);
  }
}

function batchEffect(
  senders: Senders,
  { from: agent, now, sentAt, oldest, body }: InputRecord,
  isFragment: boolean,
): Effect | undefined {
  const batch = readBatch(body);
  const given = { agent, batch, hash: hashOf(body), now, ...optional({ sentAt, oldest }) };
  const taken = isFragment ? takeUnjudged(senders, given) : takeBatch(senders, given, ANYTHING);
  if (taken.kind !== 'taken') return undefined;
  const { observed, interfaces } = taken;
  return { kind: 'batch', agent, observed, interfaces, ...optional({ sentAt }) };
}

export const hashOf = (body: Buffer): string => shortHash(hash('sha256', body, 'buffer'));

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, as exact optional properties want it. */
export function optional<T extends object>(fields: T): Present<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Present<T>;
}
