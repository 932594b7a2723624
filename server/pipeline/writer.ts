import { performance } from 'node:perf_hooks';
import type { Fact } from '../../protocol/model/fact.ts';
import type { Instant } from '../../rules/contract.ts';
import type { InputLog, InputRecord } from '../ports/input-log.ts';
import type { FactStore } from '../ports/store.ts';
import type { Core, Effect } from './core.ts';

/** The part of pino that is used here. */
export interface PipelineLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

export interface WriterDeps {
  readonly core: Core;
  readonly log: InputLog;
  readonly store: FactStore;
  readonly logger: PipelineLog;
  /** Inside the transaction that commits the facts. */
  readonly alongside: (facts: readonly Fact[], at: Instant) => void;
  /** Facts of one input, once committed (also those that are not stored). */
  readonly committed: (facts: readonly Fact[], at: Instant) => void;
  /** Nothing is in flight: the state belongs to exactly one position. */
  readonly idle: () => void;
  readonly stalled: (because: string) => void;
}

/**
 * The single writer: append, wait until durable, apply, commit, strictly in log order.
 *
 *   append ─▶ pending ─durable─▶ queue ─apply, commit─▶ done
 *                │ refused by the log: undone, newest first; the writer stalls
 *                              │ not committed (disk full): the writer stalls and tries that one again
 */
export interface Writer {
  /** `undo` takes back what admitting the input did to the log state, should the log refuse it. */
  append(
    draft: Omit<InputRecord, 'position'>,
    effect: Effect,
    undo: () => void,
    durable?: () => void,
  ): Appended;
  /** Inputs and bytes that are not applied yet. */
  inFlight(): { readonly inputs: number; readonly bytes: number };
  /** Why nothing moves; undefined while all is well. */
  stalledBy(): string | undefined;
  /** Tries the commit that failed again. True when nothing stands in the way any more. */
  recover(): boolean;
  /** Newest input whose facts are committed and told. */
  applied(): number;
  /** Milliseconds spent on applying and committing since the start. */
  worked(): number;
  /** Applies nothing until the answer is called; what comes is still made durable. */
  hold(): () => void;
  failures(): number;
}

export interface Appended {
  readonly durable: Promise<InputRecord>;
  /** Its facts, committed. Never settles while the store fails. */
  readonly applied: Promise<readonly Fact[]>;
}

interface Job {
  readonly effect: Effect;
  readonly undo: () => void;
  readonly bytes: number;
  at: Instant;
  readonly done: PromiseWithResolvers<readonly Fact[]>;
}

/**
 * After this no other input is begun and the event loop gets its turn: acknowledgements go out before more
 * is judged. An input of 2,000 samples takes about so long by itself.
 */
const SLICE_MS = 5;
/** A stall is retried every second, but said only so often. */
const LOG_AGAIN_MS = 60_000;

export function createWriter(deps: WriterDeps, appliedSoFar: number): Writer {
  const { core, log, store, logger } = deps;
  let pending: Job[] = [];
  let queue: Job[] = [];
  let bytes = 0;
  let applied = appliedSoFar;
  let isResting = false;
  let isHeld = false;
  let worked = 0;
  let failures = 0;
  let stalledBy: string | undefined;
  let loggedAt = Number.NEGATIVE_INFINITY;
  let uncommitted: { readonly job: Job; readonly facts: readonly Fact[] } | undefined;

  function append(
    draft: Omit<InputRecord, 'position'>,
    effect: Effect,
    undo: () => void,
    durable?: () => void,
  ): Appended {
    const done = Promise.withResolvers<readonly Fact[]>();
    // Whoever only waits for durability must not be told of a refusal twice.
    done.promise.catch(() => {});
    const job = {
      effect,
      undo,
      bytes: draft.body.length,
      at: { now: draft.now, position: 0 },
      done,
    };
    pending.push(job);
    bytes += job.bytes;
    const isDurable = log.append(draft).then(
      (record) => {
        pending.shift();
        job.at = { now: record.now, position: record.position };
        durable?.();
        queue.push(job);
        pump();
        return record;
      },
      (error: Error) => {
        refuse(error);
        done.reject(error);
        throw error;
      },
    );
    return { durable: isDurable, applied: done.promise };
  }

  /** The log refused everything that was waiting, so all of it is taken back, newest first. */
  function refuse(error: Error): void {
    for (const job of pending.reverse()) {
      job.undo();
      bytes -= job.bytes;
    }
    pending = [];
    stall(error, 'the input log cannot be written');
  }

  function stall(err: unknown, sentence: string): void {
    if (performance.now() - loggedAt > LOG_AGAIN_MS) {
      loggedAt = performance.now();
      logger.error({ err }, `${sentence}; intake answers 503 until it works again`);
    }
    stalledBy = `${sentence}: ${(err as Error).message}`;
    deps.stalled(stalledBy);
  }

  function pump(): void {
    if (isResting || isHeld || uncommitted !== undefined) return;
    rest();
    const started = performance.now();
    let now = started;
    let next = 0;
    while (next < queue.length && uncommitted === undefined && now - started <= SLICE_MS) {
      step(queue[next++]!);
      now = performance.now();
    }
    worked += now - started;
    queue = queue.slice(next);
    if (uncommitted === undefined && queue.length + pending.length === 0) deps.idle();
  }

  /**
   * One slice in each turn of the event loop: of many inputs that one write made durable each would have
   * had a slice of its own, and one more came at the end of the turn.
   */
  function rest(): void {
    isResting = true;
    // The first of the two still belongs to this turn when an input that came began the slice.
    setImmediate(() =>
      setImmediate(() => {
        isResting = false;
        if (queue.length > 0) pump();
      }),
    );
  }

  function step(job: Job): void {
    let facts: readonly Fact[] = [];
    try {
      facts = core.apply(job.effect, job.at);
    } catch (err) {
      // The input is in the log and will fail the same way in every replay: going on without it is
      // the only way that does not stop the watch for good.
      failures++;
      const { position } = job.at;
      logger.error({ err, position, kind: job.effect.kind }, 'the engine failed on an input');
    }
    commit(job, facts);
  }

  function commit(job: Job, facts: readonly Fact[]): void {
    try {
      if (facts.some(isKept)) {
        store.commit(job.at.position, facts, () => deps.alongside(facts, job.at));
      }
      uncommitted = undefined;
    } catch (err) {
      uncommitted = { job, facts };
      stall(err, 'facts cannot be committed');
      return;
    }
    applied = job.at.position;
    bytes -= job.bytes;
    if (facts.length > 0) deps.committed(facts, job.at);
    job.done.resolve(facts);
  }

  return {
    append,
    inFlight: () => ({
      inputs: pending.length + queue.length + (uncommitted === undefined ? 0 : 1),
      bytes,
    }),
    stalledBy: () => stalledBy,
    recover() {
      if (uncommitted !== undefined) {
        commit(uncommitted.job, uncommitted.facts);
        if (uncommitted !== undefined) return false;
      }
      stalledBy = undefined;
      pump();
      return stalledBy === undefined;
    },
    applied: () => applied,
    worked: () => worked,
    hold() {
      isHeld = true;
      return () => {
        isHeld = false;
        pump();
      };
    },
    failures: () => failures,
  };
}

/** Facts that a store keeps; an input without any costs no transaction. */
export const isKept = (fact: Fact): boolean =>
  fact.kind !== 'subject.answered' && fact.kind !== 'confirm.requested';
