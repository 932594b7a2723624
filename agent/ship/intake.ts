import type { Lane } from '../../protocol/model/sample.ts';
import { type DurationMs, seconds } from '../../protocol/model/units.ts';
import { BATCH_LIMITS } from '../../protocol/wire/limits.ts';
import type { PollReport } from '../poll/report.ts';
import type { CancelTimer, Clock } from '../ports/clock.ts';

/** Collects reports and cuts batches: at once for an urgent one, else once a second, else when full. */
export interface Intake {
  submit(report: PollReport): void;
  /** Cuts what is waiting; resolves when it is in the spool. */
  flush(): Promise<void>;
  close(): void;
}

const CUT_AFTER: DurationMs = seconds(1);

/** Without a collector nobody waits: fewer, larger batches are sent again sooner. */
const CUT_AFTER_ALONE: DurationMs = seconds(5);

/** The collector was reached within this: what is measured now is live. */
const LIVE_WITHIN = 10_000;

/** What a batch may weigh at most, by estimate, so that it stays below the wire's limit when encoded. */
const MAX_WEIGHT = 0.8 * BATCH_LIMITS.bodyBytes;

export function createIntake(options: {
  readonly clock: Clock;
  /** Milliseconds since the collector last answered anything. */
  readonly silentFor: () => number;
  readonly write: (lane: Lane, reports: readonly PollReport[]) => Promise<void>;
}): Intake {
  const { clock, silentFor, write } = options;
  let waiting: PollReport[] = [];
  let weight = 0;
  let samples = 0;
  let cancel: CancelTimer | undefined;
  let written: Promise<unknown> = Promise.resolve();

  const isAlone = (): boolean => silentFor() > LIVE_WITHIN;

  function cut(): void {
    cancel?.();
    cancel = undefined;
    if (waiting.length === 0) return;
    const reports = waiting;
    waiting = [];
    weight = 0;
    samples = 0;
    written = Promise.all([written, write(isAlone() ? 'backfill' : 'live', reports)]);
  }

  function add(part: PollReport): void {
    const partWeight = weightOf(part);
    const isFull =
      weight + partWeight > MAX_WEIGHT || samples + part.samples.length > BATCH_LIMITS.samples;
    if (isFull) cut();
    waiting.push(part);
    weight += partWeight;
    samples += part.samples.length;
    cancel ??= clock.after(isAlone() ? CUT_AFTER_ALONE : CUT_AFTER, cut);
  }

  return {
    submit(report) {
      if (report.samples.length === 0) return;
      for (const part of splitReport(report)) add(part);
      if (report.isUrgent) cut();
    },
    async flush() {
      cut();
      await written;
    },
    close: () => cancel?.(),
  };
}

/** Bytes of JSON that a report may need at most, with a dictionary entry for every sample. */
function weightOf({ samples, interfaces = [] }: PollReport): number {
  let weight = 0;
  // Two bytes for each character of a name that is not ASCII would be three in UTF-8.
  for (const { subject } of samples) weight += 160 + 3 * subject.length;
  for (const entry of interfaces) {
    const { subject, name, descr = '', alias = '' } = entry;
    weight += 150 + 3 * (subject.length + name.length + descr.length + alias.length);
  }
  return weight;
}

/** Samples of interfaces that go into one part of a report too large for one batch. */
const PART_SAMPLES = 4_000;

/**
 * A device with thousands of interfaces fills more than one batch. Each part then carries the
 * device's own samples (uptime, boots), because rates need them beside the counters.
 */
function splitReport(report: PollReport): PollReport[] {
  const { samples, interfaces = [] } = report;
  if (samples.length <= BATCH_LIMITS.samples && weightOf(report) <= MAX_WEIGHT) return [report];
  const shared = samples.filter((sample) => !sample.subject.startsWith('interface:'));
  const own = samples.filter((sample) => sample.subject.startsWith('interface:'));
  const parts: PollReport[] = [];
  for (let from = 0; from < own.length; ) {
    let to = Math.min(own.length, from + PART_SAMPLES);
    // Never between two samples of one interface.
    while (to < own.length && own[to]?.subject === own[to - 1]?.subject) to += 1;
    const subjects = new Set(own.slice(from, to).map((sample) => sample.subject as string));
    parts.push({
      samples: [...shared, ...own.slice(from, to)],
      interfaces: interfaces.filter((entry) => subjects.has(entry.subject)),
    });
    from = to;
  }
  return parts;
}
