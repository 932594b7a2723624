import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { MetricName } from '../protocol/model/metrics.ts';
import type { Sample, Series } from '../protocol/model/sample.ts';
import { type SubjectKey, subjectKey } from '../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import type { EngineSettings } from '../rules/settings.ts';
import { createSiteEngine } from '../rules/site-engine.ts';
import type { Figure } from './figure.ts';

export const name = 'engine';

const LINKS = 7_000;
const PORTS = 5_100;
const ROUNDS = 24;
const START = 1_700_000_000_000;
const AGENT = 'agent-1';
const BATCH = 500;

const LINK_METRICS = [
  'stamp_loss_ratio',
  'stamp_rtt_ms',
  'stamp_rtt_min_ms',
  'stamp_rtt_p95_ms',
  'stamp_rtt_max_ms',
  'stamp_jitter_ms',
  'stamp_ipdv_ms',
] as const satisfies readonly MetricName[];
const PORT_METRICS = [
  'if_admin_up',
  'if_oper_up',
  'if_speed_bps',
  'if_discontinuity_ticks',
  'if_in_octets_total',
  'if_out_octets_total',
  'if_in_errors_total',
  'if_out_errors_total',
  'if_in_discards_total',
  'if_out_discards_total',
] as const satisfies readonly MetricName[];

const settings: EngineSettings = {
  installation: 'bench',
  inventory: { sites: [], devices: [], links: [], agents: [] },
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches: [],
};

const seriesOf = (subject: SubjectKey, metric: MetricName, every: number): Series => ({
  subject,
  metric,
  agent: AGENT,
  every: durationMs(every),
  ...(metric.endsWith('_total') && { bits: 64 as const }),
});

/** The figures of a STAMP round and of a port, as agents send them: 49,000 and 51,000 series. */
function allSeries(): Series[] {
  const series: Series[] = [];
  for (let i = 0; i < LINKS; i++) {
    for (const metric of LINK_METRICS)
      series.push(seriesOf(subjectKey('link', `l${i}`), metric, 5_000));
  }
  for (let i = 0; i < PORTS; i++) {
    const subject = subjectKey('interface', `d${i % 100}/p${i}`);
    for (const metric of PORT_METRICS) series.push(seriesOf(subject, metric, 30_000));
  }
  return series;
}

/** The figure of a healthy network; `n` is the round. */
function figureOf(metric: MetricName, n: number, i: number): number | bigint {
  if (metric === 'if_speed_bps') return 1e9;
  if (metric.endsWith('_octets_total')) return 9_007_199_254_740_993n + BigInt(n * 12_500_000 + i);
  if (metric.endsWith('_total')) return BigInt(n >> 3);
  if (metric.endsWith('_loss_ratio')) return (n * 7 + i) % 97 === 0 ? 0.2 : 0;
  if (metric.endsWith('_ms')) return 20 + ((n * 13 + i) % 17) / 10;
  return 1;
}

/** One batch, made just before it is judged, as the collector does. */
function batchOf(series: readonly Series[], from: number, n: number): Sample[] {
  return series.slice(from, from + BATCH).map((one, i) => ({
    series: one,
    at: epochMs(START + n * (one.every ?? 0)),
    value: figureOf(one.metric, n, from + i),
  }));
}

type Judge = (samples: readonly Sample[], now: EpochMs) => void;

/** ns per sample, without the making of the samples, after a third of the rounds. */
function timed(series: readonly Series[], judge: Judge): number {
  let took = 0n;
  for (let n = 0; n < ROUNDS; n++) {
    if (n === ROUNDS / 3) took = 0n;
    for (let from = 0; from < series.length; from += BATCH) {
      const samples = batchOf(series, from, n);
      const began = process.hrtime.bigint();
      judge(samples, (samples[0] as Sample).at);
      took += process.hrtime.bigint() - began;
    }
  }
  return Number(took) / ((ROUNDS - ROUNDS / 3) * series.length);
}

/** What any engine must at least do: keep a mean per series, found by its name, and a limit. */
function bareLoop(series: readonly Series[]): number {
  const means = new Map(series.map((one) => [one, 0]));
  let above = 0;
  const nsPerSample = timed(series, (samples) => {
    for (const { series: one, value } of samples) {
      const mean = (means.get(one) as number) * 0.9 + Number(value) * 0.1;
      means.set(one, mean);
      if (mean > 1e18) above += 1;
    }
  });
  return above > 0 ? Number.NaN : nsPerSample;
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** Through a fresh engine: ns per sample, and what the engine keeps per series. */
function engineRun(series: readonly Series[]): { nsPerSample: number; bytesPerSeries: number } {
  const before = heapUsed();
  const engine = createSiteEngine(settings);
  let position = 0;
  const nsPerSample = timed(series, (samples, now) => {
    engine.observe({ agent: AGENT, lane: 'live', samples }, { now, position });
    position += 1;
  });
  const bytesPerSeries = (heapUsed() - before) / series.length;
  engine.tick({ now: epochMs(START), position });
  return { nsPerSample, bytesPerSeries };
}

/** ns per sample and bytes per series of detection with the default pack, 100,000 series. */
export async function run(): Promise<Figure[]> {
  const series = allSeries();
  const bare = bareLoop(series);
  const all = engineRun(series);
  const paths = engineRun(series.slice(0, LINKS * LINK_METRICS.length));
  const ports = engineRun(series.slice(LINKS * LINK_METRICS.length));
  const reference = { reference: bare, referenceName: 'bare JS loop' };
  const ns = (what: string, figure: number, budget?: number): Figure => ({
    name: `detection, ${what}`,
    figure,
    unit: 'ns/sample',
    ...reference,
    ...(budget !== undefined && { budget }),
  });
  return [
    ns('all default rules', all.nsPerSample, 300),
    ns('samples of paths', paths.nsPerSample),
    ns('samples of ports', ports.nsPerSample),
    {
      name: 'detection, memory',
      figure: all.bytesPerSeries,
      unit: 'bytes/series',
      budget: 500,
    },
  ];
}
