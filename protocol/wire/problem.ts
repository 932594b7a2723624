/** Errors as application/problem+json (RFC 9457). `code` is stable and listed in docs/errors.md. */
export interface Problem {
  /** `https://…` is not used: the type is `urn:vedette:problem:CODE`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  /** What exactly was wrong, and what to do. */
  readonly detail: string;
  readonly instance?: string;
  /** sequence-gap: the next sequence the server wants. */
  readonly expected?: number;
}

/** Code, HTTP status, title. Adding one needs a line in docs/errors.md (checked by a test). */
export const PROBLEMS = {
  unauthenticated: { status: 401, title: 'The token is missing, unknown or revoked' },
  'wrong-agent': { status: 403, title: 'The token belongs to another agent' },
  'foreign-subject': {
    status: 403,
    title: "The batch speaks about a subject outside this agent's targets",
  },
  malformed: { status: 400, title: 'The request does not follow the schema' },
  'too-large': { status: 413, title: 'The body is larger than allowed' },
  'unsupported-encoding': { status: 415, title: 'Content-Encoding must be identity, gzip or zstd' },
  'unsupported-version': { status: 400, title: 'This wire version is not spoken here' },
  'unknown-metric': {
    status: 422,
    title: 'The dictionary names a metric that is not in the catalogue',
  },
  'dictionary-unknown': { status: 409, title: 'Send the dictionary again' },
  'dictionary-conflict': {
    status: 409,
    title: 'A dictionary index was used for two different series',
  },
  'cloned-agent': {
    status: 409,
    title: 'The same sequence came with another content: take a new spool id',
  },
  'sequence-gap': { status: 409, title: 'Earlier batches are missing' },
  'from-the-future': {
    status: 422,
    title: "Samples or the agent's clock are too far in the future",
  },
  'rate-limited': { status: 429, title: 'Too many requests' },
  busy: { status: 503, title: 'The collector is behind; come back after Retry-After' },
  draining: { status: 503, title: 'The server is shutting down' },
  'not-found': { status: 404, title: 'There is no such thing here' },
  conflict: { status: 409, title: 'The incident is not in a state that allows this' },
  'forbidden-origin': { status: 403, title: 'The request came from another web site' },
  internal: { status: 500, title: 'The server failed; the log has the request id' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export function problem(
  code: ProblemCode,
  detail: string,
  extra: { expected?: number; instance?: string } = {},
): Problem {
  const { status, title } = PROBLEMS[code];
  return { type: `urn:vedette:problem:${code}`, title, status, code, detail, ...extra };
}
