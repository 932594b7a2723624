import { createRandom, type Random } from '../lab/random.ts';
import type { MetricName } from '../protocol/model/metrics.ts';
import type { SubjectKey } from '../protocol/model/subject.ts';

/**
 * Seeded samples of a WAN in the mix of the history's budget: 40 % traffic counters, 20 % error
 * counters, 25 % noisy round trips, 15 % loss; one round every 30 s. The same seed gives the same
 * samples, run after run. Times are those of real polls: every device and link has its phase in the
 * round and a few milliseconds of jitter; what one poll measures shares its time.
 */
export interface HistoryData {
  readonly series: readonly DataSeries[];
  readonly devices: readonly string[];
  readonly links: readonly string[];
  readonly roundMs: number;
  /** The next round, from the first on; the arrays are used again for the one after. */
  next(): Round;
}

export interface DataSeries {
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  readonly isCounter: boolean;
}

export interface Round {
  /** From 0. */
  readonly number: number;
  /** Milliseconds after the begin of the round, by index of the series. */
  readonly offset: Float64Array;
  readonly value: Float64Array;
}

const ROUND_MS = 30_000;
const ROUNDS_A_DAY = 86_400_000 / ROUND_MS;
const JITTER_MS = 4;
const INTERFACES_PER_DEVICE = 20;

interface Source extends DataSeries {
  /** Which poll it is measured by. */
  readonly poll: number;
  readonly nextValue: (number: number) => number;
}

/** @param count about so many series; a multiple of 20 is met exactly */
export function createHistoryData(count: number, seed: number): HistoryData {
  const random = createRandom(seed);
  const interfaces = Math.round(count * 0.2);
  const devices = Array.from(
    { length: Math.ceil(interfaces / INTERFACES_PER_DEVICE) },
    (_, n) => `router-${n}`,
  );
  const links = Array.from({ length: Math.round(count * 0.25) }, (_, n) => `link-${n}`);
  const sources = [
    ...interfaceSources(interfaces, devices, random),
    ...linkSources(links, Math.round(count * 0.15), devices.length, random),
  ];
  const polls = devices.length + links.length;
  const phase = Float64Array.from({ length: polls }, () =>
    Math.floor(random.next() * (ROUND_MS - JITTER_MS)),
  );
  const at = new Float64Array(polls);
  const offset = new Float64Array(sources.length);
  const value = new Float64Array(sources.length);
  let number = -1;
  return {
    series: sources.map(({ metric, subject, isCounter }) => ({ metric, subject, isCounter })),
    devices,
    links,
    roundMs: ROUND_MS,
    next() {
      number += 1;
      for (let p = 0; p < polls; p++) at[p] = phase[p]! + Math.floor(random.next() * JITTER_MS);
      for (const [i, source] of sources.entries()) {
        offset[i] = at[source.poll]!;
        value[i] = source.nextValue(number);
      }
      return { number, offset, value };
    },
  };
}

/** In and out octets and errors received, of each interface. */
function* interfaceSources(
  count: number,
  devices: readonly string[],
  random: Random,
): Generator<Source> {
  for (let n = 0; n < count; n++) {
    const poll = Math.floor(n / INTERFACES_PER_DEVICE);
    const subject: SubjectKey = `interface:${devices[poll]}/ge-0/${n % INTERFACES_PER_DEVICE}`;
    const counter = (metric: MetricName, nextValue: Source['nextValue']): Source => ({
      metric,
      subject,
      isCounter: true,
      poll,
      nextValue,
    });
    yield counter('if_in_octets_total', traffic(random));
    yield counter('if_out_octets_total', traffic(random));
    yield counter('if_in_errors_total', errors(random));
  }
}

/** Round trip of every link, loss of the first so many. */
function* linkSources(
  links: readonly string[],
  withLoss: number,
  firstPoll: number,
  random: Random,
): Generator<Source> {
  for (const [n, link] of links.entries()) {
    const gauge = (metric: MetricName, nextValue: Source['nextValue']): Source => ({
      metric,
      subject: `link:${link}`,
      isCounter: false,
      poll: firstPoll + n,
      nextValue,
    });
    if (n < withLoss) yield gauge('icmp_loss_ratio', loss(random));
    yield gauge('icmp_rtt_ms', roundTrip(random));
  }
}

/** 0.1 to 100 Mbit/s by the hour of the day, 10 % noise; a 64-bit counter that began long ago. */
function traffic(random: Random): Source['nextValue'] {
  const perRound = 10 ** random.between(5, 8) * 3.75;
  let total = Math.floor(random.next() * 1e13);
  return (number) => {
    const day = 1 + 0.5 * Math.sin((2 * Math.PI * number) / ROUNDS_A_DAY);
    total += Math.max(0, Math.round(perRound * day * (1 + 0.1 * random.normal())));
    return total;
  };
}

/** Still, but for a burst now and then. */
function errors(random: Random): Source['nextValue'] {
  let total = Math.floor(random.next() * 10_000);
  return () => {
    if (random.next() < 0.005) total += 1 + Math.floor(random.next() * 20);
    return total;
  };
}

/** Microseconds of resolution, 4 % noise, a slow drift. */
function roundTrip(random: Random): Source['nextValue'] {
  const base = random.between(5, 80);
  return (number) => {
    const drift = 1 + 0.03 * Math.sin((2 * Math.PI * number) / ROUNDS_A_DAY);
    return Math.max(1, Math.round(base * drift * (1 + 0.04 * random.normal()) * 1000)) / 1000;
  };
}

/** Nearly always none; five echoes a round lose a fifth, or more. */
function loss(random: Random): Source['nextValue'] {
  return () => (random.next() < 0.01 ? (random.next() < 0.8 ? 0.2 : 0.4) : 0);
}
