import { describe, expect, test } from 'vitest';
import { DERIVED_METRICS, METRICS } from '../../protocol/model/metrics.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  addLoss,
  BURST_ECHOES,
  EMPTY_CHANCE,
  isBeyondChance,
  neededEvidence,
  ROUND_ECHOES,
} from '../../rules/detect/chance.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { BeyondChance, Rule } from '../../rules/settings.ts';

const IDS = [
  'link-unreachable',
  'device-unreachable',
  'link-loss',
  'device-loss',
  'link-latency',
  'lan-latency',
  'interface-down',
  'interface-utilisation',
  'interface-errors',
  'interface-discards',
  'snmp-silent',
  'agent-silent',
  'device-cpu',
  'device-memory',
  'device-temperature',
];

describe('the default pack', () => {
  test('has exactly the rules that are promised, each once and enabled', () => {
    expect(DEFAULT_RULES.map((rule) => rule.id).sort()).toEqual([...IDS].sort());
    expect(DEFAULT_RULES.every((rule) => rule.enabled)).toBe(true);
  });

  test.each(DEFAULT_RULES.map((rule) => [rule.id, rule] as const))(
    '%s says why and what to do at 3 a.m.',
    (_id, rule) => {
      expect(rule.reason.length).toBeGreaterThan(60);
      expect(rule.advice.length).toBeGreaterThanOrEqual(3);
      expect(rule.cause).toMatch(/^\S.{3,30}$/);
      expect(rule.on.length).toBeGreaterThan(0);
    },
  );

  test('judges only gauges and derived figures, with a gap between raising and clearing', () => {
    for (const rule of DEFAULT_RULES) {
      if (rule.detector.kind !== 'threshold') continue;
      const { metric, also = [], band } = rule.detector;
      for (const one of [metric, ...also]) {
        expect({ ...METRICS, ...DERIVED_METRICS }[one].kind).toBe('gauge');
      }
      expect(band.clearAt).toBeLessThan(band.raiseAt);
    }
  });

  test('clears outages after ten to fifteen seconds and degradations after a minute', () => {
    const clearsAfter = ({ detector, clearAfter }: Rule): number =>
      clearAfter + (detector.kind === 'threshold' ? Math.min(detector.over, 30_000) : 0);
    for (const rule of DEFAULT_RULES) {
      const most = rule.disturbance === 'outage' ? 15_000 : 90_000;
      expect(clearsAfter(rule)).toBeLessThanOrEqual(most);
    }
  });

  test('lets a slow SNMP poll of 60 s arrive in time', () => {
    expect(DEFAULT_TIMING.lateAfter).toBeGreaterThan(0.9 * 60_000 + 5_000);
  });
});

const loss = DEFAULT_RULES.find((rule) => rule.id === 'link-loss');
const chance = loss?.detector.kind === 'threshold' ? loss.detector.beyondChance : undefined;
if (chance === undefined) throw new Error('link-loss tells loss from chance');

const choose = (n: number, k: number): number =>
  k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k;
const binomial = (n: number, k: number, p: number): number =>
  choose(n, k) * p ** k * (1 - p) ** (n - k);

/** What one sample adds to the sum, by the code itself: from a sum so high that it cannot hide a loss. */
function gainOf(settings: BeyondChance, lost: number, echoes: number): number {
  const numbers = [...EMPTY_CHANCE];
  const every = durationMs(5_000);
  const base = settings.evidence / 2;
  numbers[0] = base;
  addLoss(numbers, 0, settings, epochMs(1), lost / echoes, echoes, every);
  return (numbers[0] as number) - base;
}

/**
 * Chance that a round of a link with a steady loss of `p` raises a false alert, in the long run: the
 * sum as a Markov chain in steps of 0.02, a miss followed by a burst of ten as agents send it.
 */
function falseAlertsPerRound(settings: BeyondChance, p: number): number {
  const STEP = 0.02;
  const states = Math.ceil(neededEvidence(settings, durationMs(5_000)) / STEP);
  const moves: { readonly weight: number; readonly steps: readonly number[] }[] = [];
  const stepsOf = (lost: number, echoes: number) =>
    Math.round(gainOf(settings, lost, echoes) / STEP);
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
    const to = steps.reduce((at, step) => (at >= next.length ? at : Math.max(0, at + step)), from);
    if (to >= next.length) crossed += here * weight;
    else next[to] = (next[to] as number) + here * weight;
  }
  return crossed;
}

describe('loss told from chance', () => {
  const ROUNDS_A_DAY = 17_280;
  const LINKS = 1_000;

  test.each([
    { p: 0.002, most: 0.001 },
    { p: 0.005, most: 0.01 },
    { p: 0.01, most: 0.7 },
  ])(
    '1,000 links that always lose $p of their packets raise at most $most false alerts a day',
    ({ p, most }) => {
      const aDay = falseAlertsPerRound(chance, p) * ROUNDS_A_DAY * LINKS;
      expect(aDay).toBeGreaterThan(0);
      expect(aDay).toBeLessThan(most);
    },
  );

  /** Rounds of a steady loss until it is proved. */
  function roundsUntilProof(lossRatio: number, every: number): number {
    const numbers = [...EMPTY_CHANCE];
    const interval = durationMs(every);
    for (let round = 1; round < 1000; round++) {
      const now: EpochMs = epochMs(round * every);
      addLoss(numbers, 0, chance as BeyondChance, now, lossRatio, ROUND_ECHOES, interval);
      if (isBeyondChance(numbers, 0, chance as BeyondChance, interval)) return round;
    }
    return Number.POSITIVE_INFINITY;
  }

  test('a steady 20 % is proved by the seventh round, a steady 10 % within two minutes', () => {
    expect(roundsUntilProof(0.2, 5_000)).toBe(7);
    expect(roundsUntilProof(0.1, 5_000) * 5).toBeLessThanOrEqual(120);
  });

  test('rarer rounds need less evidence, but never fewer than three of them', () => {
    expect(roundsUntilProof(0.2, 240_000)).toBeLessThan(7);
    for (const every of [5_000, 60_000, 240_000, 3_600_000]) {
      expect(roundsUntilProof(0.8, every)).toBeGreaterThanOrEqual(3);
    }
  });

  test('1 % never becomes proof by itself', () => {
    expect(roundsUntilProof(0.01, 5_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
