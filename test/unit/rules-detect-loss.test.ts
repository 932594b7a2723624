import { describe, expect, test } from 'vitest';
import type { Alert } from '../../protocol/model/alert.ts';
import { durationMs } from '../../protocol/model/units.ts';
import {
  BURST_ECHOES,
  lossGain,
  MIN_SAMPLES,
  neededEvidence,
  ROUND_ECHOES,
  surenessOf,
} from '../../rules/detect/chance.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';
import { AGENT, at, batch, desk, sample, secondOf, settings } from '../support/detection.ts';

const loss = DEFAULT_RULES.find((rule) => rule.id === 'link-loss');
const chance = loss?.detector.kind === 'threshold' ? loss.detector.beyondChance : undefined;
if (chance === undefined) throw new Error('link-loss tells loss from chance');
const { evidence, bad, usual } = chance;

const choose = (n: number, k: number): number =>
  k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k;
const binomial = (n: number, k: number, p: number): number =>
  choose(n, k) * p ** k * (1 - p) ** (n - k);

interface Sum {
  readonly usual: number;
  readonly bad: number;
  readonly evidence: number;
}

/**
 * Chance that a round of a link with a steady loss of `p` raises a false alert, in the long run: the
 * sum as a Markov chain in steps of 0.02, a miss followed by a burst of ten as agents send it.
 */
function falseAlertsPerRound(sum: Sum, p: number): number {
  const STEP = 0.02;
  const states = Math.ceil(sum.evidence / STEP);
  const cap = sum.evidence / MIN_SAMPLES;
  const stepsOf = (lost: number, echoes: number) =>
    Math.round(Math.min(cap, lossGain(lost, echoes, sum.usual, sum.bad)) / STEP);
  const moves: { readonly weight: number; readonly steps: readonly number[] }[] = [];
  for (let lost = 0; lost <= ROUND_ECHOES; lost++) {
    const weight = binomial(ROUND_ECHOES, lost, p);
    const round = stepsOf(lost, ROUND_ECHOES);
    if (lost === 0) moves.push({ weight, steps: [round] });
    else {
      for (let burst = 0; burst <= BURST_ECHOES; burst++) {
        const both = weight * binomial(BURST_ECHOES, burst, p);
        moves.push({ weight: both, steps: [stepsOf(burst, BURST_ECHOES), round] });
      }
    }
  }
  return hazard(moves, states);
}

type Moves = readonly { readonly weight: number; readonly steps: readonly number[] }[];

/** Share that leaves in one round once the distribution of those that stay has settled. */
function hazard(moves: Moves, states: number): number {
  let now = new Float64Array(states);
  now[0] = 1;
  let crossed = 0;
  for (let round = 0; round < 600; round++) {
    const next = new Float64Array(states);
    crossed = 0;
    now.forEach((here, from) => {
      if (here > 1e-16) crossed += spread(moves, here, from, next);
    });
    const left = 1 - crossed;
    now = next.map((value) => value / left);
  }
  return crossed;
}

/** Moves what is here to where it goes in one round; returns what leaves. */
function spread(moves: Moves, here: number, from: number, next: Float64Array): number {
  let crossed = 0;
  for (const { weight, steps } of moves) {
    const to = steps.reduce(
      (place, step) => (place >= next.length ? place : Math.max(0, place + step)),
      from,
    );
    if (to >= next.length) crossed += here * weight;
    else next[to] = (next[to] as number) + here * weight;
  }
  return crossed;
}

describe('loss told from chance', () => {
  const LINK_ROUNDS_A_DAY = 17_280 * 1_000;
  /** Both sums, as rules/detect/loss.ts keeps them for a link that usually loses `p`. */
  const aDay = (known: number, p: number): number =>
    LINK_ROUNDS_A_DAY *
    (falseAlertsPerRound({ usual: known, bad, evidence }, p) +
      falseAlertsPerRound(
        { usual: known, bad: Math.max(0.02, 4 * known), evidence: evidence + 2.5 },
        p,
      ));

  test.each([
    { because: 'nothing is known yet', known: usual, p: 0.002, most: 0.001 },
    { because: 'nothing is known yet', known: usual, p: 0.01, most: 0.65 },
    { because: 'it has been learned', known: 0.002, p: 0.002, most: 0.15 },
    { because: 'it has been learned', known: 0.005, p: 0.005, most: 0.2 },
  ])(
    '1,000 links that always lose $p of their packets raise at most $most false alerts a day when $because',
    ({ known, p, most }) => {
      const found = aDay(known, p);
      expect(found).toBeGreaterThan(0);
      expect(found).toBeLessThan(most);
    },
  );

  test('rarer rounds need less evidence, but at least half', () => {
    expect(neededEvidence(14, durationMs(5_000))).toBe(14);
    expect(neededEvidence(14, durationMs(60_000))).toBeCloseTo(11.52, 2);
    expect(neededEvidence(14, durationMs(36_000_000))).toBe(7);
  });

  test('sureness is the probability of a fault, given one a day', () => {
    expect(surenessOf(Math.log(17_280), durationMs(5_000))).toBeCloseTo(0.5, 10);
    expect(surenessOf(14.6, durationMs(5_000))).toBeGreaterThan(0.99);
    expect(surenessOf(11, durationMs(240_000))).toBeGreaterThan(0.99);
  });
});

/** Park and Miller's generator: the same luck in every run. */
function luck(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface Weather {
  readonly every: number;
  readonly loss: number;
  readonly before: number;
  readonly during: number;
  readonly after: number;
}

type Told =
  | { readonly kind: 'fired'; readonly at: number; readonly alert: Alert }
  | { readonly kind: 'resolved'; readonly at: number };

/** Rounds of a link that loses by luck, with the burst of ten after each first miss. */
function live({ every, loss: p, before, during, after }: Weather, seed: number) {
  const next = luck(seed);
  const lostOf = (echoes: number, q: number) => {
    let lost = 0;
    for (let i = 0; i < echoes; i++) if (next() < q) lost += 1;
    return lost;
  };
  const noc = desk(settings());
  let isWell = true;
  for (let i = 0; i < before + during + after; i++) {
    const q = i >= before && i < before + during ? p : 0;
    const lost = lostOf(ROUND_ECHOES, q);
    const second = i * every;
    const samples = [sample(second, 'stamp_loss_ratio', lost / ROUND_ECHOES, { every })];
    if (lost > 0 && isWell) {
      const burst = lostOf(BURST_ECHOES, q) / BURST_ECHOES;
      samples.push(sample(second + 1, 'stamp_confirm_loss_ratio', burst));
    }
    isWell = lost === 0;
    noc.facts.push(
      ...noc.engine.observe(batch(samples, AGENT), { now: at(second + 1), position: i }),
    );
  }
  return noc.facts.flatMap((fact): Told[] => {
    if (fact.kind === 'alert.fired' && fact.alert.rule === 'link-loss') {
      return [
        { kind: 'fired', at: secondOf(fact.at) - before * every, alert: fact.alert },
      ] as const;
    }
    if (fact.kind === 'alert.resolved' && fact.alert.startsWith('link-loss')) {
      return [{ kind: 'resolved', at: secondOf(fact.at) - (before + during) * every }];
    }
    return [];
  });
}

describe('a steady loss is one alert until it ends', () => {
  const SEEDS = [1, 2, 3, 4, 5];
  test.each([
    { every: 5, loss: 0.05, hours: 6, within: 480, over: 900 },
    { every: 5, loss: 0.1, hours: 6, within: 150, over: 300 },
    { every: 5, loss: 0.2, hours: 6, within: 60, over: 120 },
    { every: 5, loss: 0.3, hours: 6, within: 40, over: 90 },
    { every: 60, loss: 0.05, hours: 24, within: 9_000, over: 9_000 },
    { every: 60, loss: 0.1, hours: 24, within: 2_400, over: 3_600 },
    { every: 60, loss: 0.3, hours: 24, within: 420, over: 900 },
    { every: 240, loss: 0.05, hours: 96, within: 20_000, over: 24_000 },
    { every: 240, loss: 0.1, hours: 96, within: 9_000, over: 18_000 },
    { every: 240, loss: 0.3, hours: 96, within: 1_500, over: 3_600 },
  ])('of $loss in rounds every $every s', ({ every, loss: p, hours, within, over }) => {
    for (const seed of SEEDS) {
      const during = (hours * 3_600) / every;
      const told = live({ every, loss: p, before: 720, during, after: over / every + 2 }, seed);
      expect(told.map(({ kind }) => kind)).toEqual(['fired', 'resolved']);
      expect(told[0]?.at).toBeGreaterThan(0);
      expect(told[0]?.at).toBeLessThanOrEqual(within);
      expect(told[1]?.at).toBeGreaterThan(0);
      expect(told[1]?.at).toBeLessThanOrEqual(over);
    }
  });

  test('what it says can be checked: onset, usual, how sure, since when it learns', () => {
    const [fired] = live({ every: 5, loss: 0.1, before: 5_000, during: 400, after: 0 }, 7);
    if (fired?.kind !== 'fired') throw new Error('10 % of loss is told');
    const { evidence: told } = fired.alert;
    expect(secondOf(told.onsetAt)).toBeGreaterThanOrEqual(5_000 * 5);
    expect(secondOf(told.onsetAt)).toBeLessThan(5_000 * 5 + 60);
    expect(told.learningSince).toBe(at(0));
    expect(told.usual?.middle).toBeLessThan(0.003);
    expect(told.observed).toBeGreaterThan(0.05);
    expect(told.sureness).toBeGreaterThan(0.9);
    expect(told.text).toMatch(/^\d+(\.\d+)? % of the packets lost since it began/);
  });

  test('a link that has always lost 1 % is learned, and stays silent for three days', () => {
    const told = live({ every: 5, loss: 0.01, before: 0, during: 3 * 17_280, after: 0 }, 11);
    expect(told).toEqual([]);
  });

  test('a lasting 10 % becomes usual after some days', () => {
    const told = live({ every: 60, loss: 0.1, before: 3 * 1_440, during: 20 * 1_440, after: 0 }, 3);
    const resolved = told.find(({ kind }) => kind === 'resolved');
    const days = ((resolved?.at ?? 0) + 20 * 86_400) / 86_400;
    expect(days).toBeGreaterThan(2);
    expect(days).toBeLessThan(12);
  });
});

describe('what an outage and a gap leave of a loss', () => {
  const LOST = 1;
  const EVERY = 5;

  /** Rounds with these shares lost, undefined = no data; what was told, by second. */
  function tell(rounds: readonly (number | undefined)[]): { kind: string; second: number }[] {
    return feed(rounds).facts.flatMap((fact) => {
      if (fact.kind === 'alert.fired' && fact.alert.rule !== 'link-loss') return [];
      if (fact.kind === 'alert.resolved' && !fact.alert.startsWith('link-loss')) return [];
      if (fact.kind !== 'alert.fired' && fact.kind !== 'alert.resolved') return [];
      return [{ kind: fact.kind, second: secondOf(fact.at) }];
    });
  }

  function feed(rounds: readonly (number | undefined)[]) {
    const noc = desk(settings());
    rounds.forEach((share, i) => {
      const second = i * EVERY;
      const now = at(second + 1);
      noc.facts.push(...noc.engine.tick({ now, position: 2 * i }));
      if (share === undefined) return;
      const samples = [sample(second, 'stamp_loss_ratio', share, { every: EVERY })];
      noc.facts.push(...noc.engine.observe(batch(samples, AGENT), { now, position: 2 * i + 1 }));
    });
    return noc;
  }

  const times = <T>(count: number, what: readonly T[]): T[] =>
    Array.from({ length: count }, (_, i) => what[i % what.length] as T);
  const FINE = times(24, [0]);
  const FIFTH = times(24, [0.2, 0.4, 0, 0.2]);
  const OUTAGE = times(24, [LOST]);
  /** A line that always loses 3 % of its packets. */
  const POOR = [0, 0, 0, 0.2, 0, 0, 0];

  test('an outage ends it: a line that then loses little is not told again', () => {
    const told = tell([...FINE, ...FIFTH, ...OUTAGE, ...times(120, POOR)]);
    expect(told.map(({ kind }) => kind)).toEqual(['alert.fired', 'alert.resolved']);
    expect(told[1]?.second).toBe(72 * EVERY + 1);
  });

  test('loss that goes on after the outage is told anew within a minute', () => {
    const told = tell([...FINE, ...FIFTH, ...OUTAGE, ...FIFTH]);
    expect(told.map(({ kind }) => kind)).toEqual(['alert.fired', 'alert.resolved', 'alert.fired']);
    expect(told[2]?.second).toBeLessThanOrEqual(72 * EVERY + 60);
  });

  test('while nothing is lost it is on its way to clear, and with the next lost packet no longer', () => {
    const { facts } = feed([...FINE, ...FIFTH, 0, 0, 0.4, ...FINE]);
    const told = facts.flatMap((fact) =>
      fact.kind === 'alert.fading' && fact.alert.startsWith('link-loss')
        ? [[secondOf(fact.at) / EVERY, fact.since !== undefined]]
        : [],
    );
    const round = (n: number): number => n + 1 / EVERY;
    expect(told.slice(-3)).toEqual([
      [round(48), true],
      [round(50), false],
      [round(51), true],
    ]);
  });

  test('the two rounds at the edges of an outage are no loss', () => {
    expect(tell([...FINE, 0.6, ...OUTAGE, 0.6, ...times(120, POOR)])).toEqual([]);
  });

  test('after a gap in the data it is over as soon as nothing is lost', () => {
    const gap = times(24, [undefined]);
    const told = tell([...FINE, ...FIFTH, ...gap, ...FINE]);
    expect(told.map(({ kind }) => kind)).toEqual(['alert.fired', 'alert.resolved']);
    expect(told[1]?.second).toBeLessThanOrEqual(72 * EVERY + 45);
  });

  test('after a gap in the data it goes on when packets are lost as before', () => {
    const told = tell([...FINE, ...FIFTH, ...times(24, [undefined]), ...FIFTH]);
    expect(told.map(({ kind }) => kind)).toEqual(['alert.fired']);
  });
});
