import { type Static, Type } from 'typebox';
import { ID_PATTERN, SUBJECT_PATTERN } from '../model/subject.ts';
import { BATCH_LIMITS, WIRE_VERSION } from './limits.ts';

const strict = { additionalProperties: false } as const;
const Index = Type.Integer({ minimum: 0, maximum: 1_000_000 });
const Id = Type.String({ pattern: ID_PATTERN });
const SubjectText = Type.String({ pattern: SUBJECT_PATTERN });
/** Milliseconds after the batch's `at`; negative values are not allowed. */
const Offset = Type.Integer({ minimum: 0, maximum: 604_800_000 });

/** Random name of one spool: a restored or cloned agent takes a new one. */
export const SpoolId = Type.String({ pattern: '^[0-9a-f]{16}$' });

export const DictionaryEntry = Type.Object(
  {
    index: Index,
    metric: Type.String({ maxLength: 64 }),
    subject: SubjectText,
    /** Width of a counter. */
    bits: Type.Optional(Type.Union([Type.Literal(32), Type.Literal(64)])),
    /** How often a sample is due, ms. */
    every: Type.Optional(Type.Integer({ minimum: 100, maximum: 86_400_000 })),
  },
  strict,
);
export type DictionaryEntry = Static<typeof DictionaryEntry>;

export const InterfaceEntry = Type.Object(
  {
    subject: SubjectText,
    ifIndex: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
    name: Type.String({ maxLength: 255 }),
    descr: Type.Optional(Type.String({ maxLength: 255 })),
    alias: Type.Optional(Type.String({ maxLength: 255 })),
    mac: Type.Optional(Type.String({ maxLength: 64 })),
  },
  strict,
);
export type InterfaceEntry = Static<typeof InterfaceEntry>;

/** One counter in one batch: first value exact as a decimal string, then integer steps (may be negative after a reset). */
export const CounterColumn = Type.Object(
  {
    series: Index,
    at: Type.Array(Offset, { minItems: 1 }),
    base: Type.String({ pattern: '^[0-9]{1,20}$' }),
    delta: Type.Array(Type.Integer()),
  },
  strict,
);

/**
 * `POST /v1/samples`. Encoded once, when it is written to the spool, and sent as the same bytes at
 * every attempt: the content hash is SHA-256 of these bytes. Columns `series`, `at`, `value` of
 * `gauges` have the same length; `delta` of a counter is one shorter than its `at`.
 * All samples of one poll of one device are in one batch (rates need uptime and counters together).
 */
export const SampleBatch = Type.Object(
  {
    v: Type.Literal(WIRE_VERSION),
    agent: Id,
    spool: SpoolId,
    lane: Type.Union([Type.Literal('live'), Type.Literal('backfill')]),
    /** From 1, per spool and lane, no gaps unless the agent had to drop (header vedette-oldest). */
    sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    /** Epoch ms; offsets count from here. */
    at: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000 }),
    dictionary: Type.Array(DictionaryEntry, { maxItems: BATCH_LIMITS.dictionary }),
    interfaces: Type.Optional(Type.Array(InterfaceEntry, { maxItems: 20_000 })),
    gauges: Type.Object(
      { series: Type.Array(Index), at: Type.Array(Offset), value: Type.Array(Type.Number()) },
      strict,
    ),
    counters: Type.Array(CounterColumn),
  },
  strict,
);
export type SampleBatch = Static<typeof SampleBatch>;

/** Highest sequence per lane up to which nothing is missing; the agent deletes only up to here. */
export const BatchAck = Type.Object(
  {
    acknowledged: Type.Object(
      { live: Type.Integer({ minimum: 0 }), backfill: Type.Integer({ minimum: 0 }) },
      strict,
    ),
    /** Revision of the agent's configuration, so that it need not ask. */
    config: Type.String(),
  },
  strict,
);
export type BatchAck = Static<typeof BatchAck>;

/** `POST /v1/heartbeat`: at least every 5 s when no batch is due. Not spooled, has no sequence. */
export const Heartbeat = Type.Object(
  {
    v: Type.Literal(WIRE_VERSION),
    agent: Id,
    spool: SpoolId,
    version: Type.String({ maxLength: 64 }),
    spoolSamples: Type.Integer({ minimum: 0 }),
    spoolBytes: Type.Integer({ minimum: 0 }),
    dropped: Type.Integer({ minimum: 0 }),
    /** Worst lateness of a poll since the last heartbeat, ms. */
    lagMs: Type.Number({ minimum: 0 }),
    /** Which probe engines work, and why one does not: shown on the page and by doctor. */
    engines: Type.Array(
      Type.Object(
        {
          probe: Type.String({ maxLength: 32 }),
          engine: Type.String({ maxLength: 64 }),
          note: Type.Optional(Type.String({ maxLength: 512 })),
        },
        strict,
      ),
      { maxItems: 16 },
    ),
  },
  strict,
);
export type Heartbeat = Static<typeof Heartbeat>;

/** `PUT /v1/dictionary`: the whole dictionary of a spool, after a 409 `dictionary-unknown`. */
export const Dictionary = Type.Object(
  {
    v: Type.Literal(WIRE_VERSION),
    agent: Id,
    spool: SpoolId,
    entries: Type.Array(DictionaryEntry, { maxItems: 200_000 }),
  },
  strict,
);
export type Dictionary = Static<typeof Dictionary>;
