import type { InterfaceAttributes, ObservedBatch } from '../../protocol/model/sample.ts';
import { type AgentId, isSubjectKey, type SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, later } from '../../protocol/model/units.ts';
import type { Dictionary, InterfaceEntry } from '../../protocol/wire/batch.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';
import type { BatchColumns } from './batch-columns.ts';
import { decodeBatch } from './decode-batch.ts';
import { addEntries, checkEntries, MAX_ENTRIES, type MayReport } from './dictionary.ts';
import { advance, judge, type LaneOffer, type LaneVerdict } from './lane.ts';
import { emptySpool, type Senders, type SpoolState } from './senders.ts';
import { correctionOf, measure, SKEW_LIMIT } from './skew.ts';

/** A batch with what its request said besides; its schema has been checked. */
export interface OfferedBatch {
  readonly agent: AgentId;
  readonly batch: BatchColumns;
  /** Of the body's bytes. */
  readonly hash: string;
  readonly now: EpochMs;
  readonly sentAt?: EpochMs;
  readonly oldest?: number;
}

export type Taken =
  /** The log state has moved; `undo` moves it back (last taken first), if the record is not written. */
  | {
      readonly kind: 'taken';
      /** Makes the samples when the engine wants them; good until the next batch is read. */
      readonly observed: () => ObservedBatch;
      readonly interfaces: readonly InterfaceAttributes[];
      readonly undo: () => void;
    }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'refused'; readonly problem: Problem };

const refused = (wrong: Problem): Taken => ({ kind: 'refused', problem: wrong });

/**
 * Decides over a batch against the state of the log, in-flight records included. A refused batch
 * changes nothing. The order of the questions matters: a repeat is acknowledged whatever else would
 * be said of it today, for it was good when it came first.
 */
export function takeBatch(senders: Senders, offered: OfferedBatch, mayReport: MayReport): Taken {
  const { agent, batch, now } = offered;
  const spool = senders.spool(agent, batch.spool) ?? emptySpool(batch.spool, now);
  const verdict = judge(spool[batch.lane], laneOffer(offered));
  if (verdict.kind === 'repeat') return { kind: 'repeat' };
  const wrong =
    laneProblem(verdict, offered) ??
    (offered.sentAt === undefined ? undefined : futureProblem('sent-at', offered.sentAt, now)) ??
    checkSize(spool, batch) ??
    checkEntries(spool.table, batch.dictionary, mayReport) ??
    checkInterfaces(batch.interfaces ?? [], mayReport);
  return wrong === undefined ? takeUnjudged(senders, offered) : refused(wrong);
}

/** Resolves and takes a batch whose place in its lane and whose subjects are beyond doubt. */
export function takeUnjudged(senders: Senders, offered: OfferedBatch): Taken {
  const { agent, batch, now, sentAt } = offered;
  const sender = senders.sender(agent);
  const known = senders.spool(agent, batch.spool);
  const spool = known ?? emptySpool(batch.spool, now);
  const skewBefore = [...sender.skew];
  if (sentAt !== undefined) measure(sender.skew, now - sentAt);
  const undoEntries = addEntries(spool.table, agent, batch.dictionary);
  const restore = () => {
    undoEntries();
    sender.skew.splice(0, sender.skew.length, ...skewBefore);
  };
  const decoded = decodeBatch(batch, spool.table, correctionOf(sender.skew));
  const wrong =
    decoded.kind === 'wrong'
      ? decoded.problem
      : futureProblem('the newest sample', decoded.newest, now);
  if (decoded.kind === 'wrong' || wrong !== undefined) {
    restore();
    return refused(wrong!);
  }
  if (known === undefined) senders.addSpool(agent, spool);
  spool.lastUsedAt = now;
  spool.size += batch.dictionary.length;
  const undoLane = advance(spool[batch.lane], laneOffer(offered));
  return {
    kind: 'taken',
    observed: () => ({ agent, lane: batch.lane, samples: decoded.read() }),
    interfaces: (batch.interfaces ?? []) as readonly InterfaceAttributes[],
    undo: () => {
      undoLane();
      spool.size -= batch.dictionary.length;
      restore();
    },
  };
}

const laneOffer = ({ batch, hash, oldest }: OfferedBatch): LaneOffer => ({
  sequence: batch.sequence,
  at: batch.at,
  hash,
  ...(oldest === undefined ? {} : { oldest }),
});

function laneProblem(verdict: LaneVerdict, { batch, oldest }: OfferedBatch): Problem | undefined {
  const name = `${batch.lane} batch ${batch.sequence} of spool ${batch.spool}`;
  switch (verdict.kind) {
    case 'cloned':
      return problem(
        'cloned-agent',
        `${name} was taken before with another content: this spool was copied or set back`,
      );
    case 'gap':
      return problem('sequence-gap', `${name} came, but ${verdict.expected} is next`, {
        expected: verdict.expected,
      });
    case 'contradiction':
      return problem(
        'malformed',
        `vedette-oldest says ${oldest}, so ${name} should not exist any more`,
      );
    default:
      return undefined;
  }
}

function futureProblem(what: string, at: number, now: EpochMs): Problem | undefined {
  if (at <= later(now, SKEW_LIMIT)) return undefined;
  const ahead = Math.round((at - now) / 1000);
  return problem('from-the-future', `${what} is ${ahead} s ahead of the collector's clock`);
}

function checkSize(spool: SpoolState, batch: BatchColumns): Problem | undefined {
  if (spool.size + batch.dictionary.length <= MAX_ENTRIES) return undefined;
  return problem('too-large', `a spool may have ${MAX_ENTRIES} series`);
}

function checkInterfaces(
  entries: readonly InterfaceEntry[],
  mayReport: MayReport,
): Problem | undefined {
  for (const { subject } of entries) {
    const isAllowed =
      subject.startsWith('interface:') && isSubjectKey(subject) && mayReport(subject as SubjectKey);
    if (!isAllowed) {
      return problem('foreign-subject', `interfaces: ${subject} is not among this agent's targets`);
    }
  }
  return undefined;
}

/** A whole dictionary, after `dictionary-unknown`. Known entries must agree with it. */
export function takeDictionary(
  senders: Senders,
  agent: AgentId,
  { spool: id, entries }: Dictionary,
  now: EpochMs,
  mayReport: MayReport,
): { readonly undo: () => void } | { readonly problem: Problem } {
  const known = senders.spool(agent, id);
  const spool = known ?? emptySpool(id, now);
  const wrong = checkEntries(spool.table, entries, mayReport);
  if (wrong !== undefined) return { problem: wrong };
  const sizeBefore = spool.size;
  const undoEntries = addEntries(spool.table, agent, entries);
  if (known === undefined) senders.addSpool(agent, spool);
  spool.lastUsedAt = now;
  spool.size = Math.max(spool.size, entries.length);
  return {
    undo: () => {
      undoEntries();
      spool.size = sizeBefore;
    },
  };
}

/** A heartbeat only tells the time of its sender's clock. */
export function takeHeartbeat(
  senders: Senders,
  agent: AgentId,
  now: EpochMs,
  sentAt: EpochMs | undefined,
): { readonly undo: () => void } | { readonly problem: Problem } {
  if (sentAt === undefined) return { undo: () => {} };
  const wrong = futureProblem('sent-at', sentAt, now);
  if (wrong !== undefined) return { problem: wrong };
  const { skew } = senders.sender(agent);
  const before = [...skew];
  measure(skew, now - sentAt);
  return { undo: () => void skew.splice(0, skew.length, ...before) };
}
