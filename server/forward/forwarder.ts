import type { ObservedBatch } from '../../protocol/model/sample.ts';
import { type DurationMs, seconds } from '../../protocol/model/units.ts';
import type { Instant } from '../../rules/contract.ts';
import type { ForwardMarks, RemoteWriter } from '../ports/remote-write.ts';
import type { OwnFigure } from '../ports/show.ts';
import { createDestination, type DestinationFigures, type ForwardLog } from './destination.ts';
import { createParcels } from './parcels.ts';

export interface ForwardTarget {
  /** Its name in figures, logs and marks: no secrets. */
  readonly id: string;
  readonly writer: RemoteWriter;
  readonly every: DurationMs;
}

export interface ForwarderOptions {
  readonly targets: readonly ForwardTarget[];
  readonly marks: ForwardMarks;
  readonly log: ForwardLog;
  readonly samplesPerRequest?: number;
  /** Samples that may wait for each destination; 24 bytes each. */
  readonly maxSamples?: number;
  readonly random?: () => number;
  /** Nothing is sent before: what went to the same stores until now must have ended. */
  readonly after?: Promise<void>;
}

/**
 * Hands every sample on to other time series stores, once it is durable here. Delivery is at least
 * once within the bounds of the queue: a mark says up to which input a destination has everything,
 * so after a restart only what came after the mark is sent again (a kill may repeat the last
 * seconds). What waited in memory comes back from the replay of the input log.
 */
export interface Forwarder {
  /** For the core: hears every batch, live or replayed, in log order. */
  observed(batch: ObservedBatch, at: Instant): void;
  /** The log has been replayed up to here. */
  restored(position: number): void;
  figures(): Iterable<OwnFigure>;
  stop(withinMs?: number): Promise<void>;
}

const SAMPLES_PER_REQUEST = 2000;
const MAX_SAMPLES = 500_000;
/** So much is sent twice after a kill. */
const SAVE_EVERY: DurationMs = seconds(5);
const STOP_WITHIN_MS = 3000;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { targets, marks, log } = options;
  const { samplesPerRequest = SAMPLES_PER_REQUEST, maxSamples = MAX_SAMPLES } = options;
  const random = options.random ?? Math.random;
  const known = marks.read();
  const parcelsOf = createParcels(samplesPerRequest);
  const destinations = targets.map(({ id, writer, every }) =>
    createDestination({
      id,
      writer,
      every,
      samplesPerRequest,
      maxSamples,
      mark: known.get(id) ?? 0,
      random,
      log,
      after: options.after,
    }),
  );
  let saved = marksText();
  let saving: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    saving = saving.then(save);
  }, SAVE_EVERY);
  timer.unref();

  function marksText(): string {
    return destinations.map((destination) => `${destination.id} ${destination.mark()}`).join('\n');
  }

  async function save(): Promise<void> {
    const text = marksText();
    if (text === saved) return;
    try {
      await marks.write(new Map(destinations.map(({ id, mark }) => [id, mark()])));
      saved = text;
    } catch (err) {
      log.warn({ err }, 'what was written remotely cannot be noted: a restart sends it again');
    }
  }

  return {
    observed(batch, { position }) {
      if (destinations.length === 0) return;
      const parcels = parcelsOf(batch, position);
      for (const destination of destinations) destination.add(parcels);
    },
    restored(position) {
      for (const destination of destinations) destination.rewind(position);
    },
    figures: () => destinations.flatMap(({ id, figures }) => [...figuresOf(id, figures())]),
    async stop(withinMs = STOP_WITHIN_MS) {
      clearInterval(timer);
      await Promise.all(destinations.map((destination) => destination.stop(withinMs)));
      await saving;
      await save();
    },
  };
}

function* figuresOf(
  destination: string,
  { sent, failed, overflowed, refused, waiting }: DestinationFigures,
): Generator<OwnFigure> {
  const labels = { destination };
  yield {
    name: 'remote_write_samples_total',
    help: 'Samples that the remote store took',
    kind: 'counter',
    value: sent,
    labels,
  };
  yield {
    name: 'remote_write_failures_total',
    help: 'Requests to the remote store that were not answered with yes',
    kind: 'counter',
    value: failed,
    labels,
  };
  const drops = { overflow: overflowed, refused };
  for (const [because, value] of Object.entries(drops)) {
    yield {
      name: 'remote_write_dropped_samples_total',
      help: 'Samples not written remotely: too many waited, or the store refused them',
      kind: 'counter',
      value,
      labels: { ...labels, because },
    };
  }
  yield {
    name: 'remote_write_waiting_samples',
    help: 'Samples that wait for the remote store or are under way',
    kind: 'gauge',
    value: waiting,
    labels,
  };
}
