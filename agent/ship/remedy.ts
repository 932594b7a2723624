import type { ProblemCode } from '../../protocol/wire/problem.ts';

/**
 * What the agent does about a batch that the collector did not take.
 * set-aside: it will never be taken; keep it for inspection and go on with the next.
 * renew: the spool id is not ours alone; take a new one.
 * dictionary: send the dictionary, then the same bytes again.
 * gap: send again, saying what the oldest is.
 * person: nothing but a person can mend it; keep everything and ask rarely.
 * later: the collector is busy or broken; ask again soon.
 */
export type Remedy = 'set-aside' | 'renew' | 'dictionary' | 'gap' | 'person' | 'later';

const REMEDIES = {
  unauthenticated: 'person',
  'wrong-agent': 'person',
  'foreign-subject': 'set-aside',
  malformed: 'set-aside',
  'too-large': 'set-aside',
  // The client has tried gzip before it says so.
  'unsupported-encoding': 'person',
  'unsupported-version': 'person',
  'unknown-metric': 'set-aside',
  'dictionary-unknown': 'dictionary',
  'dictionary-conflict': 'renew',
  'cloned-agent': 'renew',
  'sequence-gap': 'gap',
  'from-the-future': 'set-aside',
  'rate-limited': 'later',
  busy: 'later',
  draining: 'later',
  'not-found': 'person',
  conflict: 'later',
  'forbidden-origin': 'person',
  internal: 'later',
} as const satisfies Record<ProblemCode, Remedy>;

/** A code of a newer server is waited out: losing the batch would be worse. */
export const remedyFor = (code: ProblemCode): Remedy => REMEDIES[code] ?? 'later';
