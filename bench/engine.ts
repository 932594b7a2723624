import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EMPTY_INVENTORY } from '../protocol/model/inventory.ts';
import type { Sample, Series } from '../protocol/model/sample.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { SiteEngine } from '../rules/contract.ts';
import { createEngine } from '../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import type { EngineSettings, Rule } from '../rules/settings.ts';
import { createSiteEngine } from '../rules/site-engine.ts';
import type { Figure } from './figure.ts';
import { createMix, MIX_START, type Mix } from './support-engine-mix.ts';
import { createHistoryData } from './support-history-data.ts';

/**
 * What detection costs at 100,000 series in one process, in CPU time of all threads of the process (the
 * machine is shared, and the collector of garbage works too): per sample, in memory, per snapshot, and
 * per second of a replay.
 */
export const name = 'engine';

/** Baselines are judged after ten minutes; a quarter of an hour fills what fills at all so soon. */
const WARM_SECONDS = 900;
const SECONDS = 300;

/** Kinds that learn over days what is usual, beside loss and errors that learn one rate each. */
const LEARNING: readonly Rule['detector']['kind'][] = [
  'baseline',
  'profile',
  'forecast',
  'burn-rate',
];
const PLAIN_RULES = DEFAULT_RULES.filter(({ detector }) => !LEARNING.includes(detector.kind)).map(
  ({ detector, ...rule }): Rule => {
    if (detector.kind !== 'threshold') return { ...rule, detector };
    const { unlessUsual: _, ...plain } = detector;
    return { ...rule, detector: plain };
  },
);

const settingsOf = (rules: readonly Rule[]): EngineSettings => ({
  installation: 'bench',
  inventory: EMPTY_INVENTORY,
  rules,
  timing: DEFAULT_TIMING,
  watches: [],
});

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function memoryInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

type Judge = (agent: string, samples: readonly Sample[], now: EpochMs) => void;

interface Batch {
  readonly agent: string;
  readonly samples: readonly Sample[];
}

/** CPU-ns per sample of what the mix sends, without the making of the samples. */
function timed(mix: Mix, judge: Judge): number {
  let ms = 0;
  let samples = 0;
  for (let second = 0; second < WARM_SECONDS + SECONDS; second++) {
    const now = epochMs(MIX_START + second * 1000);
    const batches = mix.batchesAt(second);
    const took = cpuMs(() => {
      for (const { agent, samples: some } of batches) judge(agent, some, now);
    });
    if (second < WARM_SECONDS) continue;
    ms += took;
    for (const batch of batches) samples += batch.samples.length;
  }
  return (ms * 1e6) / samples;
}

/** What any engine must at least do: keep a mean per series, found by its name, and a limit. */
function createBareLoop(): (samples: readonly Sample[]) => void {
  const means = new Map<object, number>();
  return (samples) => {
    for (const { series, value } of samples) {
      const mean = (means.get(series) ?? 0) * 0.9 + Number(value) * 0.1;
      means.set(series, mean);
      if (mean > 1e18) throw new Error('no sample is so great');
    }
  };
}

function bareLoop(mix: Mix): number {
  const loop = createBareLoop();
  return timed(mix, (_agent, samples) => loop(samples));
}

interface Run {
  readonly engine: SiteEngine;
  readonly nsPerSample: number;
  readonly bytesPerSeries: number;
}

function runOf(mix: Mix, rules: readonly Rule[]): Run {
  const before = memoryInUse();
  const engine = createSiteEngine(settingsOf(rules));
  let position = 0;
  const nsPerSample = timed(mix, (agent, samples, now) => {
    position += 1;
    engine.observe({ agent, lane: 'live', samples }, { now, position });
  });
  return { engine, nsPerSample, bytesPerSeries: (memoryInUse() - before) / mix.series };
}

/** CPU-µs of one tick in which nothing becomes stale. */
function idleTick(engine: SiteEngine): number {
  const ticks = 10_000;
  const now = epochMs(MIX_START + (WARM_SECONDS + SECONDS) * 1000);
  engine.tick({ now, position: 0 });
  const ms = cpuMs(() => {
    for (let position = 0; position < ticks; position++) engine.tick({ now, position });
  });
  return (ms * 1000) / ticks;
}

function snapshotFigures(engine: SiteEngine): Figure[] {
  let json = '';
  let taken: unknown;
  const takeMs = cpuMs(() => {
    taken = engine.snapshot();
  });
  const writeMs = cpuMs(() => {
    json = JSON.stringify(taken);
  });
  const restoreMs = cpuMs(() => {
    createSiteEngine(settingsOf(DEFAULT_RULES), JSON.parse(json));
  });
  const of = (what: string, figure: number, unit: string, note?: string): Figure => ({
    name: `detection, 100,000 series, ${what}`,
    figure,
    unit,
    ...(note !== undefined && { note }),
  });
  return [
    of('snapshot in one go', takeMs + writeMs, 'CPU-ms', 'JSON included'),
    of('size of the snapshot', json.length / 1e6, 'MB'),
    of('restart from it', restoreMs, 'CPU-ms'),
  ];
}

/** The snapshot as a server takes it: the loop turns between the pieces. */
function piecesFigure(): Figure {
  const mix = createMix(0.2);
  const engine = createEngine(settingsOf(DEFAULT_RULES));
  for (let second = 0; second < WARM_SECONDS; second++) {
    const now = epochMs(MIX_START + second * 1000);
    for (const { agent, samples } of mix.batchesAt(second)) {
      engine.observe({ agent, lane: 'live', samples }, { now, position: second });
    }
  }
  const times: number[] = [];
  const pieces = engine.snapshotText()[Symbol.iterator]();
  for (let isDone = false; !isDone; ) {
    times.push(
      cpuMs(() => {
        isDone = pieces.next().done === true;
      }),
    );
  }
  times.sort((a, b) => a - b);
  return {
    name: 'detection, 20,000 series, longest piece of a snapshot',
    figure: times.at(-1) as number,
    unit: 'CPU-ms',
    budget: 50,
    note: `${times.length} pieces, garbage collection included; median ${(times[times.length >> 1] as number).toFixed(2)} ms`,
  };
}

/** Rounds of the mix that the history is measured with, and one of them on its way. */
const ROUNDS = 120;
const WARM_ROUNDS = 60;

/** The samples of one round as the agent sends them: gauges, then counters. */
function createRounds(count: number): { readonly roundMs: number; next(): Batch } {
  const data = createHistoryData(count, 1);
  const series = data.series.map(
    ({ metric, subject, isCounter }): Series => ({
      metric,
      subject,
      agent: 'agent-0',
      every: durationMs(data.roundMs),
      ...(isCounter && { bits: 64 as const }),
    }),
  );
  const order = [...series.keys()].sort(
    (a, b) => Number(data.series[a]?.isCounter) - Number(data.series[b]?.isCounter) || a - b,
  );
  return {
    roundMs: data.roundMs,
    next() {
      const { number, offset, value } = data.next();
      const samples = order.map((i): Sample => {
        const figure = value[i] as number;
        return {
          series: series[i] as Series,
          at: epochMs(MIX_START + number * data.roundMs + (offset[i] as number)),
          value: data.series[i]?.isCounter === true ? BigInt(figure) : figure,
        };
      });
      return { agent: 'agent-0', samples };
    },
  };
}

/** The whole engine in the mix of the history, with the ticks of every second between the rounds. */
function historyMix(count: number): Figure {
  const rounds = createRounds(count);
  const engine = createEngine(settingsOf(DEFAULT_RULES));
  const loop = createBareLoop();
  let [ms, bareMs, samples, position] = [0, 0, 0, 0];
  for (let n = 0; n < WARM_ROUNDS + ROUNDS; n++) {
    const batch = rounds.next();
    const took = cpuMs(() => {
      const now = epochMs(MIX_START + (n + 1) * rounds.roundMs);
      engine.observe({ ...batch, lane: 'live' }, { now, position });
      for (let second = 0; second < rounds.roundMs; second += 1000) {
        position += 1;
        engine.tick({ now: epochMs(now + second), position });
      }
    });
    const bareTook = cpuMs(() => loop(batch.samples));
    if (n < WARM_ROUNDS) continue;
    ms += took;
    bareMs += bareTook;
    samples += batch.samples.length;
  }
  return {
    name: `whole engine, mix of the history, ${count.toLocaleString('en')} series`,
    figure: (ms * 1e6) / samples,
    unit: 'CPU-ns/sample',
    reference: (bareMs * 1e6) / samples,
    referenceName: 'bare JS loop',
    note: '40 % traffic counters, 20 % error counters, 25 % round trips, 15 % loss, every 30 s; ticks included',
  };
}

/** Samples a second through the whole program `replay`, start included. */
async function replayRate(what: string, lines: Iterable<string>, args: string[]): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  try {
    const file = join(folder, 'recording');
    const all = [...lines];
    writeFileSync(file, `${all.join('\n')}\n`);
    const cli = fileURLToPath(new URL('../cli/vedette.ts', import.meta.url));
    const began = performance.now();
    await promisify(execFile)(process.execPath, [cli, 'replay', '--samples', file, ...args], {
      maxBuffer: 1 << 28,
    });
    const seconds = (performance.now() - began) / 1000;
    return {
      name: `replay, ${what}`,
      figure: all.length / seconds,
      unit: 'samples/s',
      budget: 500_000,
      budgetIs: 'at least',
      note: `${all.length.toLocaleString('en')} samples, wall clock with the start of the program`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 200 links at rounds of 5 s, as an agent's log has them. */
function* denseLines(): Generator<string> {
  for (let n = 0; n < 4000; n++) {
    const at = MIX_START + n * 5000;
    for (let link = 0; link < 200; link++) {
      const tail = `"subject":"link:l${link}","agent":"a1","every":5000`;
      yield `{"at":${at},"metric":"icmp_loss_ratio",${tail},"value":0}`;
      yield `{"at":${at},"metric":"icmp_rtt_ms",${tail},"value":${20 + ((n * 7 + link) % 50) / 10}}`;
    }
  }
}

/** Four years of one series at 4 min, as exports of monitoring systems have them. */
function* sparseLines(): Generator<string> {
  for (let n = 0; n < 525_600; n++) yield `${MIX_START / 1000 + n * 240},${20 + (n % 37) / 10}`;
}

export async function run(): Promise<Figure[]> {
  const mix = createMix(1);
  const bare = bareLoop(mix);
  const plain = runOf(mix, PLAIN_RULES);
  const whole = runOf(mix, DEFAULT_RULES);
  const reference = { reference: bare, referenceName: 'bare JS loop' };
  const note = `${mix.series.toLocaleString('en')} series of links, devices and ports, ${Math.round(mix.perSecond).toLocaleString('en')} samples/s`;
  return [
    {
      name: 'detection, rules without baselines',
      figure: plain.nsPerSample,
      unit: 'CPU-ns/sample',
      ...reference,
      budget: 300,
      note,
    },
    {
      name: 'detection, rules without baselines, memory',
      figure: plain.bytesPerSeries,
      unit: 'bytes/series',
      budget: 500,
    },
    {
      name: 'detection, whole default pack',
      figure: whole.nsPerSample,
      unit: 'CPU-ns/sample',
      ...reference,
      budget: 1000,
      note,
    },
    {
      name: 'detection, whole default pack, memory',
      figure: whole.bytesPerSeries,
      unit: 'bytes/series',
      budget: 3072,
      note: 'after 20 min; wide histograms and full rings add at most 2 KB to a round trip',
    },
    { name: 'detection, idle tick', figure: idleTick(whole.engine), unit: 'CPU-µs' },
    ...snapshotFigures(whole.engine),
    piecesFigure(),
    historyMix(2_000),
    historyMix(20_000),
    await replayRate('dense NDJSON', denseLines(), []),
    await replayRate('sparse CSV, 240 s', sparseLines(), ['--metric', 'icmp_rtt_ms', '--tickets']),
  ];
}
