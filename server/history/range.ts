import { METRICS, type MetricName } from '../../protocol/model/metrics.ts';
import { type SeriesKey, seriesKey } from '../../protocol/model/sample.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type {
  HistoryGap,
  HistoryStore,
  NumberedSeries,
  RangeColumns,
  RangeQuery,
  StoredRollup,
} from '../ports/history.ts';
import { CorruptChunkError } from './bits.ts';
import { figureOf, ratesOf, sourceOf } from './derive.ts';
import { append, coarser, type Figures, figuresOf, noFigures } from './figures.ts';
import { DAY_MS, decodeRollup, ROLLUP_STEP_MS } from './rollup.ts';
import type { ReadSamples } from './samples.ts';
import { MOS, scoresOf, scoresOfFigures, VOICE_PROBES, voiceMetric } from './voice.ts';

export interface RangeDeps {
  readonly store: Pick<HistoryStore, 'rollups'>;
  readonly series: (key: SeriesKey) => NumberedSeries | undefined;
  readonly read: ReadSamples;
  readonly onCorrupt: (what: string) => void;
}

/** Without a step, ranges up to this come sample by sample. */
const RAW_SPAN_MS = 8 * DAY_MS;
/** From this on five-minute figures are read instead of samples, where there are any. */
const ROLLUP_SPAN_MS = 2 * DAY_MS;
const BUCKETS_WANTED = 1500;
const STEPS = [5, 10, 15, 30, 60, 120, 360, 1440].map((minutes) => minutes * 60_000);
/** Days decoded before others get their turn. */
const DAYS_AT_ONCE = 8;

/** How a range is answered: sample by sample, or in buckets of `step`, from roll-ups or not. */
export function planRange({ from, to, step }: Omit<RangeQuery, 'series'>): {
  readonly step: DurationMs | undefined;
  readonly fromRollups: boolean;
} {
  const span = to - from;
  if (step === undefined && span <= RAW_SPAN_MS) return { step: undefined, fromRollups: false };
  const chosen =
    step ?? STEPS.find((candidate) => span / candidate <= BUCKETS_WANTED) ?? STEPS.at(-1)!;
  const fromRollups = span > ROLLUP_SPAN_MS && chosen % ROLLUP_STEP_MS === 0;
  return { step: durationMs(chosen), fromRollups };
}

/** A range for a graph. Counters and derived metrics come as rates; undefined: no such series. */
export async function readRange(
  deps: RangeDeps,
  query: RangeQuery,
): Promise<RangeColumns | undefined> {
  const source = resolve(deps, query.series);
  if (source === undefined) return undefined;
  const { step, fromRollups } = planRange(query);
  if (step === undefined) return rawRange(deps, source, query.from, query.to);
  const { figures, gaps } = fromRollups
    ? await rolledRange(deps, source, query, step)
    : bucketed(deps, source, query, step);
  const loss = await lossOf(deps, source, query, step, figures);
  return {
    form: 'buckets',
    step,
    at: figures.at,
    value: figures.mean,
    count: figures.count,
    min: figures.min,
    max: figures.max,
    p50: figures.p50,
    p95: figures.p95,
    ...(loss && { loss }),
    gaps,
  };
}

/** What is read for a series: its values, as a rate, as a share of the line's rate, or as voice. */
interface Source {
  /** Of voice the round trip. */
  readonly series: NumberedSeries;
  readonly form: 'value' | 'rate' | 'share' | 'voice';
}

function resolve({ series }: RangeDeps, key: SeriesKey): Source | undefined {
  const [agent = '', metric = '', ...rest] = key.split('|');
  if (metric === MOS) {
    const keys = VOICE_PROBES.map((probe) =>
      seriesKey(agent, voiceMetric(probe, 'rtt_ms'), rest.join('|') as never),
    );
    const found = keys.map(series).find((one) => one !== undefined);
    return found && { series: found, form: 'voice' };
  }
  const derived = sourceOf(metric);
  const name = derived ? seriesKey(agent, derived.counter, rest.join('|') as never) : key;
  const found = series(name);
  if (found === undefined) return undefined;
  if (derived?.perLine) return { series: found, form: 'share' };
  const isCounter = METRICS[found.metric].kind === 'counter';
  return { series: found, form: isCounter ? 'rate' : 'value' };
}

interface Points {
  readonly at: Float64Array;
  readonly value: Float64Array;
  readonly gaps: readonly HistoryGap[];
}

function pointsOf(
  { read }: RangeDeps,
  { series, form }: Source,
  from: EpochMs,
  to: EpochMs,
): Points {
  if (form === 'value') {
    const samples = read(series.key, from, to);
    if (samples?.value instanceof Float64Array) {
      return { at: samples.at, value: samples.value, gaps: samples.gaps };
    }
    return { at: new Float64Array(0), value: new Float64Array(0), gaps: samples?.gaps ?? [] };
  }
  if (form === 'voice') return scoresOf(series, read, from, to);
  const rates = ratesOf(series, read, from, to);
  if (rates === undefined) return { at: new Float64Array(0), value: new Float64Array(0), gaps: [] };
  if (form === 'rate') return rates;
  const at: number[] = [];
  const value: number[] = [];
  for (let i = 0; i < rates.at.length; i++) {
    const share = figureOf(rates.value[i]!, rates.speed[i]!, true);
    if (share === undefined) continue;
    at.push(rates.at[i]!);
    value.push(share);
  }
  return { at: Float64Array.from(at), value: Float64Array.from(value), gaps: rates.gaps };
}

function rawRange(deps: RangeDeps, source: Source, from: EpochMs, to: EpochMs): RangeColumns {
  return { form: 'raw', ...pointsOf(deps, source, from, to) };
}

interface Bucketed {
  readonly figures: Figures;
  readonly gaps: readonly HistoryGap[];
}

function bucketed(
  deps: RangeDeps,
  source: Source,
  { from, to }: Pick<RangeQuery, 'from' | 'to'>,
  step: number,
): Bucketed {
  const { at, value, gaps } = pointsOf(deps, source, from, to);
  return { figures: figuresOf(at, value, step), gaps };
}

/** Day by day: the roll-up where there is one, else the samples. */
async function rolledRange(
  deps: RangeDeps,
  source: Source,
  { from, to }: Pick<RangeQuery, 'from' | 'to'>,
  step: number,
): Promise<Bucketed> {
  const fine = noFigures();
  const gaps: HistoryGap[] = [];
  const last = Math.floor(to / DAY_MS);
  for (let day = Math.floor(from / DAY_MS); day <= last; day += DAYS_AT_ONCE) {
    const until = Math.min(last, day + DAYS_AT_ONCE - 1);
    const stored = deps.store.rollups(source.series.bundle, day, until);
    const byDay = new Map(stored.map((rollup) => [rollup.day, rollup]));
    for (let one = day; one <= until; one++) {
      const rollup = byDay.get(one);
      const part = rollup && storedDay(deps, source, rollup, gaps);
      if (part) append(fine, part);
      else if (rollup === undefined) {
        const range = dayWithin(one, from, to);
        const made = bucketed(deps, source, range, ROLLUP_STEP_MS);
        append(fine, made.figures);
        gaps.push(...made.gaps);
      }
    }
    await new Promise(setImmediate);
  }
  return { figures: coarser(within(fine, from, to), step), gaps };
}

const dayWithin = (day: number, from: number, to: number) => ({
  from: epochMs(Math.max(from, day * DAY_MS)),
  to: epochMs(Math.min(to, (day + 1) * DAY_MS - 1)),
});

function storedDay(
  deps: RangeDeps,
  source: Source,
  rollup: StoredRollup,
  gaps: HistoryGap[],
): Figures | undefined {
  try {
    const figures = decodeRollup(rollup, source.series);
    if (figures === undefined) return undefined;
    if (source.form === 'voice') return asScores(deps, source, rollup, figures);
    return source.form === 'share' ? asShares(deps, source, rollup, figures) : figures;
  } catch (error) {
    if (!(error instanceof CorruptChunkError)) throw error;
    deps.onCorrupt(`rollup ${rollup.bundle}/${rollup.day}`);
    const because = `the stored figures of this day are damaged: ${error.message}`;
    const from = epochMs(rollup.day * DAY_MS);
    gaps.push({ from, to: epochMs(from + DAY_MS - 1), because });
    return undefined;
  }
}

/** Rates over the line rate of the same five minutes. */
function asShares(
  deps: RangeDeps,
  { series }: Source,
  rollup: StoredRollup,
  rates: Figures,
): Figures | undefined {
  const speeds = siblingDay(deps, series, 'if_speed_bps', rollup);
  if (speeds === undefined) return undefined;
  const shares = noFigures();
  let n = 0;
  for (let i = 0; i < rates.at.length; i++) {
    while (n + 1 < speeds.at.length && speeds.at[n + 1]! <= rates.at[i]!) n++;
    const speed = speeds.mean[n] ?? 0;
    if (speed <= 0) continue;
    shares.at.push(rates.at[i]!);
    shares.count.push(rates.count[i]!);
    for (const name of ['mean', 'min', 'max', 'p50', 'p95'] as const) {
      shares[name].push(figureOf(rates[name][i]!, speed, true)!);
    }
  }
  return shares;
}

/** The same day of another series of the subject. */
function siblingDay(
  { series: find, store }: RangeDeps,
  { agent, subject }: NumberedSeries,
  metric: MetricName,
  rollup: StoredRollup,
): Figures | undefined {
  const sibling = find(seriesKey(agent, metric, subject));
  if (sibling === undefined) return undefined;
  const isHere = sibling.bundle === rollup.bundle;
  const stored = isHere ? rollup : store.rollups(sibling.bundle, rollup.day, rollup.day)[0];
  return stored && decodeRollup(stored, sibling);
}

function asScores(
  deps: RangeDeps,
  { series }: Source,
  rollup: StoredRollup,
  rtt: Figures,
): Figures | undefined {
  const probe = VOICE_PROBES.find((one) => series.metric === voiceMetric(one, 'rtt_ms'))!;
  const loss = siblingDay(deps, series, voiceMetric(probe, 'loss_ratio'), rollup);
  const jitter = siblingDay(deps, series, voiceMetric(probe, 'jitter_ms'), rollup);
  return loss && scoresOfFigures(rtt, loss, jitter);
}

function within(figures: Figures, from: number, to: number): Figures {
  const kept = figures.at.flatMap((at, i) => (at + ROLLUP_STEP_MS > from && at <= to ? [i] : []));
  if (kept.length === figures.at.length) return figures;
  const names = Object.keys(figures) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => [name, kept.map((i) => figures[name][i]!)]),
  ) as unknown as Figures;
}

/** Mean loss of the probe that measured a round trip, bucket by bucket. */
async function lossOf(
  deps: RangeDeps,
  { series, form }: Source,
  query: RangeQuery,
  step: number,
  figures: Figures,
): Promise<readonly (number | null)[] | undefined> {
  const probe = /^(icmp|stamp)_(?!loss|confirm)/.exec(series.metric)?.[1];
  // A score has the loss in it.
  if (probe === undefined || form === 'voice') return undefined;
  const metric = `${probe}_loss_ratio` as MetricName;
  const sibling = deps.series(seriesKey(series.agent, metric, series.subject));
  if (sibling === undefined) return undefined;
  const source: Source = { series: sibling, form: 'value' };
  const { fromRollups } = planRange(query);
  const loss = fromRollups
    ? await rolledRange(deps, source, query, step)
    : bucketed(deps, source, query, step);
  const known = new Map(loss.figures.at.map((at, i) => [at, loss.figures.mean[i]!]));
  return figures.at.map((at) => known.get(at) ?? null);
}
