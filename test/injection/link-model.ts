import { createRandom } from '../../lab/random.ts';
import type { QuietTrace } from './quiet-traces.ts';

/** What is wrong with a link in one round. */
export interface Trouble {
  /** Added to every echo, ms. */
  delayMs: number;
  /** Mean of an exponential delay that is added to each echo by itself, ms. */
  jitterMs: number;
  /** Chance that an echo is lost, 0..1, beside the link's own. */
  loss: number;
}

export const WELL: Trouble = { delayMs: 0, jitterMs: 0, loss: 0 };

/** Figures of one round as an agent ships them, without those that nothing judges; one object, used again for each round. */
export interface Round {
  loss: number;
  rttMs: number;
  jitterMs: number;
  /** Loss of the ten-echo burst that follows the first miss; -1 = there was none. */
  confirm: number;
}

const ECHOES = 5;
const BURST = 10;
/** A residual is drawn from so many samples around the present: noise of that hour of that path. */
const NEAR = 15;

/** One link that behaves like a real trace, round by round. */
export interface LinkModel {
  next(second: number, trouble: Trouble): Round;
}

/**
 * The level follows the trace (backwards again from its end, so that there is no seam); each of the
 * five echoes of a round adds a residual of the neighbourhood. Between the trace's samples, four
 * minutes apart, nothing is known: residuals of single echoes are taken to be independent.
 * @param usualLoss chance that an echo is lost while all is well
 */
export function createLinkModel(trace: QuietTrace, seed: number, usualLoss = 0.002): LinkModel {
  const random = createRandom(seed);
  const { level, residual, every } = trace;
  const start = Math.floor(random.next() * level.length);
  const echoes: number[] = [];
  const round: Round = { loss: 0, rttMs: 0, jitterMs: 0, confirm: -1 };
  let jitter = 0;
  let last = -1;
  let wasWhole = true;

  /** There and back again. */
  function placeAt(second: number): number {
    const place = (start + Math.floor(second / every)) % (2 * level.length);
    return place < level.length ? place : 2 * level.length - 1 - place;
  }

  function echo(place: number, { delayMs, jitterMs }: Trouble): number {
    const near = place - NEAR + Math.floor(random.next() * (2 * NEAR + 1));
    const noise = residual[Math.min(level.length - 1, Math.max(0, near))] as number;
    const queue = jitterMs === 0 ? 0 : -jitterMs * Math.log(1 - random.next());
    return Math.max(0.05, (level[place] as number) + noise + delayMs + queue);
  }

  function noteJitter(rtt: number): void {
    // RFC 3550, 6.4.1, kept over rounds.
    if (last >= 0) jitter += (Math.abs(rtt - last) - jitter) / 16;
    last = rtt;
  }

  /** Answers of one round, shortest first. */
  function sendRound(place: number, lossChance: number, trouble: Trouble): void {
    echoes.length = 0;
    for (let i = 0; i < ECHOES; i++) {
      if (random.next() < lossChance) continue;
      const rtt = echo(place, trouble);
      noteJitter(rtt);
      echoes.push(rtt);
    }
    echoes.sort((a, b) => a - b);
  }

  function lossOfBurst(lossChance: number): number {
    let lost = 0;
    for (let i = 0; i < BURST; i++) if (random.next() < lossChance) lost += 1;
    return lost / BURST;
  }

  return {
    next(second, trouble) {
      const lossChance = usualLoss + trouble.loss;
      sendRound(placeAt(second), lossChance, trouble);
      round.loss = 1 - echoes.length / ECHOES;
      round.rttMs = echoes[echoes.length >> 1] ?? 0;
      round.jitterMs = jitter;
      round.confirm = round.loss > 0 && wasWhole ? lossOfBurst(lossChance) : -1;
      wasWhole = round.loss === 0;
      return round;
    },
  };
}
