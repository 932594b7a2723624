import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openEchoEngine } from '../agent/adapters/icmp/echo-engine.ts';
import type { EchoEngine } from '../agent/ports/echo.ts';
import { durationMs } from '../protocol/model/units.ts';
import type { Figure } from './figure.ts';
import {
  cpuSeconds,
  type EchoShape,
  loopbackAddresses,
  quantile,
  SHAPES,
  sleep,
  spreadRounds,
  startLoad,
} from './support-echo.ts';

export const name = 'icmp';

/** The design's allowance for the difference of the medians. */
const RTT_ALLOWANCE_US = 10;

interface Outcome {
  readonly medianUs: number;
  readonly p99Us: number;
  /** CPU-seconds per 1,000 echoes. */
  readonly cpu: number;
  readonly lost: number;
}

/** ICMP rounds on loopback against fping in the same run, the main thread idle and 70 % busy. */
export async function run(): Promise<Figure[]> {
  const { icmp, stamp } = await openEchoEngine();
  const figures: Figure[] = [];
  try {
    for (const shape of SHAPES) figures.push(...(await compare(icmp, shape)));
  } finally {
    await icmp.close();
    await stamp.close();
  }
  return figures;
}

async function compare(engine: EchoEngine, shape: EchoShape): Promise<Figure[]> {
  await measureOurs(engine, { ...shape, repeats: 1 }, 'all');
  const fping = await measureFping(shape);
  const idle = await measureOurs(engine, shape, 'all');
  const stopLoad = startLoad();
  await sleep(100);
  const busy = await measureOurs(engine, shape, 'besideMain');
  stopLoad();
  const at = `ICMP, ${shape.targets.toLocaleString('en')} targets`;
  return [
    ...figuresOf(at, idle, fping, 'all threads'),
    ...figuresOf(
      `${at}, main thread 70 % busy`,
      busy,
      fping,
      'the socket thread; main is the load',
    ),
  ];
}

function figuresOf(at: string, ours: Outcome, fping: Outcome, whose: string): Figure[] {
  const note = `p99 ${ours.p99Us.toFixed(1)} against ${fping.p99Us.toFixed(1)}; lost ${ours.lost}`;
  const reference = { referenceName: 'fping' };
  return [
    {
      name: `${at}: CPU`,
      figure: ours.cpu,
      unit: 'CPU-s per 1,000 echoes',
      ...reference,
      reference: fping.cpu,
      budget: fping.cpu,
      note: whose,
    },
    {
      name: `${at}: median RTT`,
      figure: ours.medianUs,
      unit: 'µs',
      ...reference,
      reference: fping.medianUs,
      budget: fping.medianUs + RTT_ALLOWANCE_US,
      note,
    },
  ];
}

async function measureOurs(
  engine: EchoEngine,
  { targets, count, spacing, spreadMs, repeats }: EchoShape,
  whose: 'all' | 'besideMain',
): Promise<Outcome> {
  const addresses = loopbackAddresses(targets);
  const rtts: number[] = [];
  let lost = 0;
  const before = cpuSeconds()[whose];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const rounds = await spreadRounds(addresses, spreadMs, (address) =>
      engine.measure({ kind: 'icmp', address, count, spacing, timeout: durationMs(1_000) }),
    );
    for (const { rttMs } of rounds) {
      for (const rtt of rttMs) {
        if (Number.isNaN(rtt)) lost += 1;
        else rtts.push(rtt * 1000);
      }
    }
  }
  const cpu = ((cpuSeconds()[whose] - before) / (targets * count * repeats)) * 1000;
  return { medianUs: quantile(rtts, 0.5), p99Us: quantile(rtts, 0.99), cpu, lost };
}

/** `fping -C` prints every round trip; bash tells its CPU time to the millisecond. */
async function measureFping({ targets, count, spacing, repeats }: EchoShape): Promise<Outcome> {
  const script = `TIMEFORMAT='cpu %U %S'; time fping -q -C ${count} -i 0.1 -p ${spacing} -t 1000 "$@" 2>&1; true`;
  const rtts: number[] = [];
  let seconds = 0;
  let lost = 0;
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const { stdout, stderr } = await promisify(execFile)(
      'bash',
      ['-c', script, 'bash', ...loopbackAddresses(targets)],
      { maxBuffer: 1 << 26 },
    );
    const [, user = '0', system = '0'] = /cpu (\S+) (\S+)/.exec(stderr) ?? [];
    seconds += Number(user) + Number(system);
    for (const text of stdout.matchAll(/ : (.*)/g)) {
      for (const value of (text[1] as string).trim().split(' ')) {
        if (value === '-') lost += 1;
        else rtts.push(Number(value) * 1000);
      }
    }
  }
  const cpu = (seconds / (targets * count * repeats)) * 1000;
  return { medianUs: quantile(rtts, 0.5), p99Us: quantile(rtts, 0.99), cpu, lost };
}
