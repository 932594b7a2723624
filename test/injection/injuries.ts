import { createRandom } from '../../lab/random.ts';
import type { Trouble } from './link-model.ts';

/** A fault of one kind and size: what it does so many seconds after its beginning. */
export interface Injury {
  readonly kind: string;
  /** In the unit of the kind. */
  readonly size: number;
  readonly unit: string;
  /** Fills `trouble` for the round at this second (from 0 on). One call per round, in order. */
  create(seed: number): (second: number, trouble: Trouble) => void;
}

const steady = (loss: number): Injury => ({
  kind: 'steady loss',
  size: loss * 100,
  unit: '%',
  create: () => (_second, trouble) => {
    trouble.loss = loss;
  },
});

/** Half a minute of bad state in the mean, which loses half of the echoes. */
const BAD_LASTS = 30;
const BAD_LOSS = 0.5;

/**
 * Loss in bursts: two states, good without loss and bad with half of the echoes lost (Gilbert 1960,
 * Elliott 1963). `loss` is the mean over both, so a share of loss / 0.5 of the time is bad.
 */
const bursts = (loss: number): Injury => ({
  kind: 'loss in bursts',
  size: loss * 100,
  unit: '%',
  create(seed) {
    const random = createRandom(seed);
    const badShare = Math.min(0.99, loss / BAD_LOSS);
    const goodLasts = (BAD_LASTS * (1 - badShare)) / badShare;
    let isBad = random.next() < badShare;
    let last = 0;
    return (second, trouble) => {
      const passed = second - last;
      last = second;
      if (random.next() < 1 - Math.exp(-passed / (isBad ? BAD_LASTS : goodLasts))) isBad = !isBad;
      trouble.loss = isBad ? BAD_LOSS : 0;
    };
  },
});

const jitter = (ms: number): Injury => ({
  kind: 'jitter',
  size: ms,
  unit: 'ms',
  create: () => (_second, trouble) => {
    trouble.jitterMs = ms;
  },
});

/** One direction takes a longer way: the round trip grows at once and stays. */
const step = (ms: number): Injury => ({
  kind: 'one-way step',
  size: ms,
  unit: 'ms',
  create: () => (_second, trouble) => {
    trouble.delayMs = ms;
  },
});

const HOUR = 3600;

/** The line fills up over an hour, as on a morning: delay, jitter, and loss once the queue is full. */
const congestion = (ms: number): Injury => ({
  kind: 'congestion',
  size: ms,
  unit: 'ms',
  create: () => (second, trouble) => {
    const fill = Math.min(1, second / HOUR);
    trouble.delayMs = ms * fill;
    trouble.jitterMs = (ms * fill) / 4;
    trouble.loss = fill > 0.8 ? (ms / 1000) * fill : 0;
  },
});

/** Every kind at every size. */
export const INJURIES: readonly Injury[] = [
  ...[0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1].map(steady),
  ...[0.01, 0.02, 0.05, 0.1, 0.2].map(bursts),
  ...[2, 5, 10, 20, 50].map(jitter),
  ...[2, 5, 10, 20, 50, 100].map(step),
  ...[10, 20, 50, 100].map(congestion),
];
