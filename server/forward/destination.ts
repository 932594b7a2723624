import type { DurationMs } from '../../protocol/model/units.ts';
import type { RemoteWriter } from '../ports/remote-write.ts';
import { columnsOf, type Parcel } from './parcels.ts';
import { createParcelQueue } from './queue.ts';
import { sendAll, sizeOf } from './sender.ts';

export interface DestinationDeps {
  /** Its name in figures and logs: no secrets. */
  readonly id: string;
  readonly writer: RemoteWriter;
  /** A request leaves when it is full, or this long after its first sample came. */
  readonly every: DurationMs;
  readonly samplesPerRequest: number;
  readonly maxSamples: number;
  /** Inputs up to here were sent before a restart. */
  readonly mark: number;
  readonly random: () => number;
  readonly log: ForwardLog;
  /** Nothing is sent before. */
  readonly after?: Promise<void> | undefined;
}

/** The part of pino that is used here. */
export interface ForwardLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
}

export interface DestinationFigures {
  readonly sent: number;
  /** Requests that were not answered with yes. */
  readonly failed: number;
  /** Samples that gave way because too many waited. */
  readonly overflowed: number;
  /** Samples that the destination will not have. */
  readonly refused: number;
  /** Samples that wait or are under way. */
  readonly waiting: number;
}

/** One other store: its queue, and the loop that empties it with one request at a time. */
export interface Destination {
  readonly id: string;
  add(parcels: readonly Parcel[]): void;
  /** Every input up to here is settled: taken, refused or given way. */
  mark(): number;
  /** The log ends before the mark (restored from a backup): what follows is new. */
  rewind(position: number): void;
  figures(): DestinationFigures;
  /** Sends what waits, for so long at most. */
  stop(withinMs: number): Promise<void>;
}

/** The same trouble is said again after so long. */
const SAY_AGAIN_MS = 60_000;

export function createDestination(deps: DestinationDeps): Destination {
  const { id, writer, every, samplesPerRequest, random, log } = deps;
  const queue = createParcelQueue(deps.maxSamples);
  const abort = new AbortController();
  const say = createSayer(id, log);
  const bell = createBell();
  let { mark } = deps;
  let sent = 0;
  let failed = 0;
  let overflowed = 0;
  let refused = 0;
  let underWay = 0;
  let isStopping = false;
  const done = run();

  async function run(): Promise<void> {
    try {
      await deps.after;
      for (;;) {
        await bell.rung(() => queue.samples() > 0 || isStopping);
        if (queue.samples() === 0) return;
        // Lets more samples come, unless there are enough already.
        await bell.rung(() => queue.samples() >= samplesPerRequest || isStopping, every);
        for (let due = queue.samples(); due > 0; ) due -= await sendNext();
      }
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    }
  }

  /** Returns how many samples are settled by it. */
  async function sendNext(): Promise<number> {
    const parcels = queue.take(samplesPerRequest);
    const last = parcels.at(-1);
    if (last === undefined) return Number.POSITIVE_INFINITY;
    const columns = columnsOf(parcels);
    underWay = sizeOf(columns);
    sent += await sendAll(columns, {
      writer,
      signal: abort.signal,
      random,
      onFailure(answer) {
        failed += 1;
        say({ answer, waiting: queue.samples() + underWay }, 'remote write fails; samples wait');
      },
      onRefused(samples, answer) {
        failed += 1;
        refused += samples;
        say({ answer, samples, refused }, 'remote write refused: these samples are dropped');
      },
    });
    const settled = underWay;
    underWay = 0;
    mark = Math.max(mark, last.isLast ? last.position : last.position - 1);
    return settled;
  }

  return {
    id,
    add(parcels) {
      for (const parcel of parcels) {
        if (parcel.position <= mark) continue;
        const dropped = queue.add(parcel);
        if (dropped === 0) continue;
        overflowed += dropped;
        say({ dropped: overflowed }, 'too many samples wait for remote write: the oldest give way');
      }
      bell.ring();
    },
    mark: () => mark,
    rewind(position) {
      if (mark > position) mark = position;
    },
    figures: () => ({ sent, failed, overflowed, refused, waiting: queue.samples() + underWay }),
    async stop(withinMs) {
      isStopping = true;
      bell.ring();
      const late = setTimeout(() => abort.abort(), withinMs);
      await done;
      clearTimeout(late);
      abort.abort();
      writer.close();
      const left = queue.samples() + underWay;
      if (left > 0) log.warn({ destination: id, left }, 'stopped before all samples were written');
    },
  };
}

/** Wakes the loop when something it may wait for has changed. */
function createBell() {
  let waiting: (() => void) | undefined;
  return {
    ring: () => waiting?.(),
    /** Resolves when the condition holds, or after `withinMs`. */
    rung(holds: () => boolean, withinMs?: number): Promise<void> {
      if (holds()) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
      waiting = () => void (holds() && resolve());
      return promise.finally(() => {
        clearTimeout(timer);
        waiting = undefined;
      });
    },
  };
}

/** Says each sentence once a minute at most. */
function createSayer(destination: string, log: ForwardLog) {
  const saidAt = new Map<string, number>();
  return (fields: object, sentence: string): void => {
    const now = performance.now();
    if (now - (saidAt.get(sentence) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN_MS) return;
    saidAt.set(sentence, now);
    log.warn({ destination, ...fields }, sentence);
  };
}
