import type { MetricName } from '../protocol/model/metrics.ts';
import type { Sample, Series } from '../protocol/model/sample.ts';
import { type SubjectKey, subjectKey } from '../protocol/model/subject.ts';
import { durationMs, epochMs } from '../protocol/model/units.ts';

/** A wide network as agents send it: subjects with their series, each at its own second. */
export interface Mix {
  readonly series: number;
  /** Samples that come in on average, per second of the network's time. */
  readonly perSecond: number;
  /** What the agents send in this second, one batch each. */
  batchesAt(second: number): { readonly agent: string; readonly samples: readonly Sample[] }[];
}

/** One subject that is measured as a whole. */
interface Place {
  readonly agent: number;
  readonly every: number;
  readonly series: readonly Series[];
  readonly values: readonly ((n: number, noise: number) => number | bigint)[];
}

type Value = (n: number, noise: number) => number | bigint;

/** A Monday, 00:00 UTC. */
export const MIX_START = Date.UTC(2026, 0, 5);
const AGENTS = 10;
/** Of 100,000 series 30 % are of links, 10 % of devices, 60 % of ports. */
const LINKS = 10_000;
const DEVICES = 1_250;
const PORTS = 6_000;
const LINE = 1_000_000_000;
/** Echoes of one round. */
const ECHOES = 5;
const NOISE_SIZE = 65_521;

/** Round-trip noise as on quiet circuits: most within some per cent, a long tail upwards. */
function noiseTable(): Float64Array {
  const table = new Float64Array(NOISE_SIZE);
  let state = 42;
  for (let i = 0; i < NOISE_SIZE; i++) {
    state = (state * 48_271) % 2_147_483_647;
    table[i] = state / 2_147_483_647;
  }
  return table;
}

const lossOf: Value = (_n, noise) => (noise < 0.01 ? 1 / ECHOES : 0);
const rttOf =
  (base: number): Value =>
  (_n, noise) =>
    Math.round(base * (1 + 0.01 * noise + 0.02 * noise ** 20) * 1000) / 1000;
const jitterOf: Value = (_n, noise) => Math.round(noise * 800) / 1000;
const counterOf =
  (perPoll: number, isRare: boolean): Value =>
  (n, noise) =>
    isRare ? BigInt(n >> 6) : BigInt(Math.floor(n * perPoll + noise * perPoll));
const always =
  (value: number): Value =>
  () =>
    value;

/** What one poll of a kind of subject brings, and how its figures go. */
function kinds(base: number, load: number, every: number) {
  const octets = (load * LINE * every) / 8;
  return {
    link: [
      ['stamp_loss_ratio', lossOf],
      ['stamp_rtt_ms', rttOf(base)],
      ['stamp_jitter_ms', jitterOf],
    ],
    echoes: [
      ['icmp_loss_ratio', lossOf],
      ['icmp_rtt_ms', rttOf(base)],
      ['icmp_jitter_ms', jitterOf],
    ],
    device: [
      ['snmp_answered', always(1)],
      ['device_uptime_ticks', (n) => n * every * 100 + 100_000_000],
      ['device_cpu_ratio', (_n, noise) => 0.2 + noise / 4],
      ['device_memory_ratio', (_n, noise) => 0.5 + noise / 100],
      ['device_temperature_celsius', (_n, noise) => 45 + Math.round(noise * 50) / 10],
    ],
    port: [
      ['if_admin_up', always(1)],
      ['if_oper_up', always(1)],
      ['if_speed_bps', always(LINE)],
      ['if_discontinuity_ticks', always(0)],
      ['if_in_octets_total', counterOf(octets, false)],
      ['if_out_octets_total', counterOf(octets / 3, false)],
      ['if_in_errors_total', counterOf(0, true)],
      ['if_out_errors_total', counterOf(0, true)],
      ['if_in_discards_total', counterOf(0, true)],
      ['if_out_discards_total', counterOf(0, true)],
    ],
  } as const satisfies Record<string, readonly (readonly [MetricName, Value])[]>;
}

/** @param share of 100,000 series, 0..1 */
export function createMix(share: number): Mix {
  const noise = noiseTable();
  const places: Place[] = [];
  const add = (
    subject: SubjectKey,
    n: number,
    every: number,
    kind: keyof ReturnType<typeof kinds>,
  ) => {
    const made = kinds(5 + (n % 100), 0.1 + (n % 40) / 100, every)[kind];
    const agent = n % AGENTS;
    places.push({
      agent,
      every,
      series: made.map(([metric]) => ({
        metric,
        subject,
        agent: `a${agent}`,
        every: durationMs(every * 1000),
        ...(metric.endsWith('_total') && { bits: 64 as const }),
      })),
      values: made.map(([, value]) => value),
    });
  };
  for (let n = 0; n < LINKS * share; n++) add(subjectKey('link', `l${10_000 + n}`), n, 5, 'link');
  for (let n = 0; n < DEVICES * share; n++) add(subjectKey('device', `d${n}`), n, 5, 'echoes');
  for (let n = 0; n < DEVICES * share; n++) add(subjectKey('device', `d${n}`), n, 60, 'device');
  for (let n = 0; n < PORTS * share; n++) {
    const device = n % Math.ceil(DEVICES * share);
    add(subjectKey('interface', `d${device}/p${n}`), device, n % 2 === 0 ? 30 : 60, 'port');
  }

  /** Places by the second of a minute in which they are due. */
  const due = Array.from({ length: 60 }, (_, second) =>
    places.filter(({ every }, i) => second % every === i % every),
  );
  return {
    series: places.reduce((sum, { series }) => sum + series.length, 0),
    perSecond: places.reduce((sum, { series, every }) => sum + series.length / every, 0),
    batchesAt(second) {
      const batches = Array.from({ length: AGENTS }, (_, n) => ({
        agent: `a${n}`,
        samples: [] as Sample[],
      }));
      const at = epochMs(MIX_START + second * 1000);
      let next = (second * 7919) % NOISE_SIZE;
      for (const { agent, every, series, values } of due[second % 60] ?? []) {
        const n = Math.floor(second / every);
        const batch = batches[agent] as (typeof batches)[number];
        for (let i = 0; i < series.length; i++) {
          next = next + 1 === NOISE_SIZE ? 0 : next + 1;
          const value = (values[i] as Value)(n, noise[next] as number);
          batch.samples.push({ series: series[i] as Series, at, value });
        }
      }
      return batches;
    },
  };
}
