/**
 * Constants of the wire that need no schema. The agent reads them from here: importing a schema file
 * loads typebox, which costs 24 MB of resident memory (measured on Node 26), a third of its budget.
 */

/** Version of the wire. The server understands this one and the one before. */
export const WIRE_VERSION = 1;

/** Bounds of one batch; the collector refuses more, the agent never makes more. */
export const BATCH_LIMITS = {
  samples: 20_000,
  dictionary: 20_000,
  bodyBytes: 4 * 1024 * 1024,
} as const;

/**
 * Headers of POST /v1/samples that may differ between attempts and are therefore not in the body:
 * `vedette-sent-at` epoch ms of this attempt (clock skew), `vedette-oldest` lowest sequence of the
 * lane that the agent still holds (the server moves past a gap only if the agent lacks the rest).
 */
export const SENT_AT_HEADER = 'vedette-sent-at';
export const OLDEST_HEADER = 'vedette-oldest';
