import { prometheusVersion } from '../lab/prometheus.ts';
import { createRandom } from '../lab/random.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { Figure } from './figure.ts';
import { createHistoryData } from './support-history-data.ts';
import { type ManyFigures, measureMany } from './support-history-many.ts';
import {
  type Asked,
  FIRST_QUERIES,
  type HistoryFigures,
  type Picked,
  WARM_QUERIES,
} from './support-history-measure.ts';
import { measureOurs, type Stall } from './support-history-ours.ts';
import { measurePrometheus } from './support-history-prometheus.ts';

/** What does it cost to keep every sample, and how soon is a day of one series read? */
export const name = 'history';

const SERIES = 2000;
/** As many as a large installation has: Prometheus is not fed so many, it would take an hour. */
const MANY = 20_000;
const HOURS = 28;
const SEED = 20_260_105;
const QUERIES = 200;
const DAY_MS = 86_400_000;
/** Of its day, UTC: it holds one whole day then, whose five-minute figures are made three hours after it. */
const END_MS = 4 * 3_600_000;

/** Of late, so that nothing is older than anybody keeps it, and always at the same time of a day. */
const lastEnd = (now: number): number => Math.floor((now - END_MS) / DAY_MS) * DAY_MS + END_MS;

export async function run(): Promise<Figure[]> {
  const roundMs = createHistoryData(SERIES, SEED).roundMs;
  const rounds = (HOURS * 3_600_000) / roundMs;
  const firstAt = lastEnd(Date.now()) - rounds * roundMs;
  const few = picksOf(SERIES, firstAt + rounds * roundMs, roundMs);
  const ours = await measureOurs(createHistoryData(SERIES, SEED), rounds, firstAt, few);
  const version = prometheusVersion();
  const theirs =
    version === undefined
      ? undefined
      : await measurePrometheus(createHistoryData(SERIES, SEED), rounds, firstAt, few);
  // Two hours before, when no day has just ended: its figures would be made while queries are timed.
  const manyAt = firstAt - 2 * 3_600_000;
  const ofMany = picksOf(MANY, manyAt + rounds * roundMs, roundMs);
  const many = await measureMany(createHistoryData(MANY, SEED), rounds, manyAt, ofMany);
  const without = 'Prometheus is not installed here (npm run test:deps): our side alone';

  const beside = (pick: (figures: HistoryFigures) => number): Partial<Figure> =>
    theirs === undefined
      ? {}
      : { reference: pick(theirs), referenceName: `Prometheus ${version}, same samples` };
  const said = (text: string): { note: string } => ({
    note: theirs === undefined ? `${text}; ${without}` : text,
  });
  const fed = `${ours.samples} samples, ${SERIES} series, ${HOURS} h at 30 s, a batch or request of ${SERIES} for each round`;
  return [
    {
      name: 'history: bytes a sample on disk',
      figure: ours.bytesPerSample,
      unit: 'bytes',
      budget: 2,
      ...beside(({ bytesPerSample }) => bytesPerSample),
      ...said(
        `ours: ${ours.diskNote}${theirs === undefined ? '' : `; Prometheus: ${theirs.diskNote}`}; times jitter by 4 ms as polls do`,
      ),
    },
    {
      name: 'history: take in, judge and keep',
      figure: ours.cpuPerMillion,
      unit: 'CPU-s per million samples',
      budget: 0.45,
      ...beside(({ cpuPerMillion }) => cpuPerMillion),
      ...said(
        `${fed}; sealing, roll-ups and a tick in each second of them included, ours judges besides`,
      ),
    },
    {
      name: 'history: 24 h of one series at 30 s by HTTP, p95',
      figure: ours.asked.p95Ms,
      unit: 'ms',
      budget: 5,
      ...beside(({ asked }) => asked.p95Ms),
      ...said(
        `${QUERIES} queries of round trips, ${ASKED}; ${half(ours)}${theirs === undefined ? '' : `; Prometheus: ${half(theirs)}`}`,
      ),
    },
    {
      name: 'history: resident memory',
      figure: ours.residentPerSeries,
      unit: 'bytes a series',
      ...beside(({ residentPerSeries }) => residentPerSeries),
      ...said(
        `growth since the start; peak ${megabytes(ours.residentPeak)} MB${theirs === undefined ? '' : `, Prometheus ${megabytes(theirs.residentPeak)} MB`}`,
      ),
    },
    {
      name: 'history: worst stall of the event loop',
      figure: ours.stall.stallMs,
      unit: 'ms',
      budget: 50,
      ...said(`${cpuOf(ours.stall)}; while fed as fast as it takes, garbage collection included`),
    },
    ...manyFigures(many),
  ];
}

/** What is promised of 20,000 series. */
const manyFigures = (many: ManyFigures): Figure[] => [
  {
    name: 'history, 20,000 series: 24 h of one at 30 s by HTTP, p95',
    figure: many.asked.p95Ms,
    unit: 'ms',
    budget: 5,
    note: `${QUERIES} queries of round trips, ${ASKED}; a day of all of them stored, an hour more fed to the server; ${half(many)}`,
  },
  {
    name: 'history, 20,000 series: resident memory',
    figure: many.residentPerSeries,
    unit: 'bytes a series',
    note: `growth since the start; peak ${megabytes(many.residentPeak)} MB`,
  },
  {
    name: 'history, 20,000 series: worst stall of the event loop',
    figure: many.stall.stallMs,
    unit: 'ms',
    budget: 50,
    note: `${cpuOf(many.stall)}; batches of 2,000, as fast as it takes`,
  },
  {
    name: 'history, 20,000 series: worst stall by a snapshot',
    figure: many.snapshotStall.stallMs,
    unit: 'ms',
    budget: 50,
    note: `${cpuOf(many.snapshotStall)}; piece by piece, judging waits meanwhile`,
  },
];

/** How either side is asked. */
const ASKED = `one after the other by one connection, until the last byte, after ${WARM_QUERIES} to warm up`;

const half = ({ asked }: { readonly asked: Asked }): string =>
  `half of them within ${asked.p50Ms.toFixed(1)} ms, ${asked.cpuMs.toFixed(1)} ms of the server's CPU each, p95 of the first ${FIRST_QUERIES} ${asked.coldP95Ms.toFixed(1)} ms, of the others to warm up ${asked.warmingP95Ms.toFixed(1)}`;

const cpuOf = ({ stallCpuMs }: Stall): string =>
  `most CPU in one turn ${stallCpuMs.toFixed(0)} ms, the rest is others on the machine`;

/** A day each, ending at different times of the last hours. */
function picksOf(series: number, end: number, roundMs: number): Picked[] {
  const random = createRandom(SEED);
  return Array.from({ length: WARM_QUERIES + QUERIES }, () => {
    const to = end - Math.floor(random.between(0, 3_600_000 * (HOURS - 24)));
    return {
      link: `link-${Math.floor(random.next() * series * 0.25)}`,
      from: epochMs(to - DAY_MS),
      to: epochMs(to),
      points: Math.floor(DAY_MS / roundMs),
    };
  });
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
