import { openEchoEngine } from '../agent/adapters/icmp/echo-engine.ts';
import { createCoarseStamp } from '../agent/adapters/stamp-dgram/coarse-stamp.ts';
import type { EchoEngine } from '../agent/ports/echo.ts';
import { durationMs } from '../protocol/model/units.ts';
import type { Figure } from './figure.ts';
import { cpuSeconds, quantile, sleep, spreadRounds, startLoad } from './support-echo.ts';

export const name = 'stamp';

const ROUNDS = 400;
const COUNT = 5;
const SPACING = durationMs(100);
const REPEATS = 6;
/** Several senders' addresses, because the reflector bounds what one peer may ask. */
const SOURCES = Array.from({ length: 20 }, (_, i) => `127.2.0.${i + 1}`);

interface Outcome {
  readonly medianUs: number;
  readonly p99Us: number;
  readonly cpu: number;
  readonly lost: number;
}

/** STAMP by kernel stamps against node:dgram, both to our reflector on loopback, idle and busy. */
export async function run(): Promise<Figure[]> {
  const { icmp, stamp, openReflector } = await openEchoEngine();
  const coarse = createCoarseStamp().stamp;
  const reflector = await openReflector({ address: '0.0.0.0', port: 0, peers: SOURCES });
  try {
    await measure(stamp, reflector.port, 1);
    const idle = await measure(stamp, reflector.port, REPEATS);
    const idleCoarse = await measure(coarse, reflector.port, REPEATS);
    const stopLoad = startLoad();
    await sleep(100);
    const busy = await measure(stamp, reflector.port, REPEATS);
    const busyCoarse = await measure(coarse, reflector.port, REPEATS);
    stopLoad();
    return [
      {
        name: 'STAMP: CPU, sender and reflector',
        figure: idle.cpu,
        unit: 'CPU-s per 1,000 packets',
        reference: idleCoarse.cpu,
        referenceName: 'node:dgram sender, same reflector',
      },
      medianFigure('STAMP: median RTT', idle, idleCoarse),
      medianFigure('STAMP, main thread 70 % busy: median RTT', busy, busyCoarse),
    ];
  } finally {
    await coarse.close();
    await reflector.close();
    await icmp.close();
    await stamp.close();
  }
}

const medianFigure = (what: string, ours: Outcome, coarse: Outcome): Figure => ({
  name: what,
  figure: ours.medianUs,
  unit: 'µs',
  reference: coarse.medianUs,
  referenceName: 'node:dgram',
  note: `p99 ${ours.p99Us.toFixed(1)} against ${coarse.p99Us.toFixed(1)}; lost ${ours.lost} and ${coarse.lost}`,
});

async function measure(engine: EchoEngine, port: number, repeats: number): Promise<Outcome> {
  const addresses = Array.from({ length: ROUNDS }, (_, i) => `127.1.0.${i % 250}`);
  const rtts: number[] = [];
  let lost = 0;
  let next = 0;
  const before = cpuSeconds().all;
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const rounds = await spreadRounds(addresses, SPACING, (address) => {
      next += 1;
      const source = SOURCES[next % SOURCES.length] as string;
      const timeout = durationMs(1_000);
      return engine.measure({
        kind: 'stamp',
        address,
        port,
        source,
        count: COUNT,
        spacing: SPACING,
        timeout,
      });
    });
    for (const { rttMs, unsent } of rounds) {
      if (unsent !== undefined) throw new Error(`not sent: ${unsent.text}`);
      for (const rtt of rttMs) {
        if (Number.isNaN(rtt)) lost += 1;
        else rtts.push(rtt * 1000);
      }
    }
  }
  const cpu = ((cpuSeconds().all - before) / (ROUNDS * COUNT * repeats)) * 1000;
  return { medianUs: quantile(rtts, 0.5), p99Us: quantile(rtts, 0.99), cpu, lost };
}
