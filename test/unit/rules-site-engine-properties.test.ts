import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import {
  AGENT,
  at,
  batch,
  DEVICE,
  LINK,
  PORT,
  type SampleOptions,
  type SiteFact,
  sample,
  settings,
} from '../support/detection.ts';

/** What the network does during one stretch of ten seconds. */
interface Weather {
  readonly loss: number;
  readonly rtt: number;
  readonly burst: number | undefined;
  readonly isUp: boolean;
  readonly answersSnmp: boolean;
  readonly octets: number;
  readonly restarts: boolean;
  readonly isSilent: boolean;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.constantFrom(0, 0, 0.2, 0.6, 1),
  rtt: fc.constantFrom(20, 20, 140, 400),
  burst: fc.constantFrom(undefined, undefined, 1, 0.3),
  isUp: fc.boolean(),
  answersSnmp: fc.constantFrom(true, true, false),
  octets: fc.constantFrom(0, 10_000_000, 123_000_000),
  restarts: fc.constantFrom(false, false, false, true),
  isSilent: fc.constantFrom(false, false, false, false, true),
});

interface Step {
  readonly second: number;
  readonly samples: readonly Sample[];
}

/** Stretches of weather as the reports of two rounds and one poll each. */
function stepsOf(sky: readonly Weather[]): Step[] {
  const steps: Step[] = [];
  let octets = 0n;
  let bootedAt = -10_000;
  sky.forEach((now, i) => {
    const second = i * 10;
    octets += BigInt(now.octets);
    if (now.restarts) {
      bootedAt = second - 3;
      octets = 0n;
    }
    if (now.isSilent) steps.push({ second, samples: [] }, { second: second + 5, samples: [] });
    else {
      const poll = pollOf(second + 0.2, now, octets, second - bootedAt);
      steps.push({ second, samples: [...roundOf(second, now), ...poll] });
      steps.push({ second: second + 5, samples: roundOf(second + 5, now) });
    }
  });
  return steps;
}

function roundOf(second: number, { loss, rtt, burst }: Weather): Sample[] {
  const put = (subject: SubjectKey, metric: MetricName, value: number, later = 0): Sample =>
    sample(second + later, metric, value, {
      subject,
      ...(!metric.includes('confirm') && { every: 5 }),
    });
  const probes = [
    [LINK, 'stamp'],
    [DEVICE, 'icmp'],
  ] as const;
  return probes.flatMap(([subject, probe]) => [
    put(subject, `${probe}_loss_ratio`, loss),
    ...(loss < 1 ? [put(subject, `${probe}_rtt_ms`, rtt)] : []),
    ...(burst === undefined ? [] : [put(subject, `${probe}_confirm_loss_ratio`, burst, 0.3)]),
  ]);
}

function pollOf(second: number, now: Weather, octets: bigint, uptime: number): Sample[] {
  const device: SampleOptions = { subject: DEVICE, every: 10 };
  const port: SampleOptions = { subject: PORT, every: 10 };
  if (!now.answersSnmp) return [sample(second, 'snmp_answered', 0, device)];
  return [
    sample(second, 'snmp_answered', 1, device),
    sample(second, 'device_uptime_ticks', uptime * 100, device),
    sample(second, 'if_admin_up', 1, port),
    sample(second, 'if_oper_up', Number(now.isUp), port),
    sample(second, 'if_speed_bps', 100_000_000, port),
    sample(second, 'if_in_octets_total', octets, { ...port, bits: 64 }),
  ];
}

interface Play {
  /** How the samples of a step become batches; all are judged at the same instant. */
  readonly cut?: (samples: readonly Sample[], step: number) => readonly (readonly Sample[])[];
  /** Before this step the engine is replaced by one made from its snapshot. */
  readonly restartsBefore?: number;
}

/** All facts, in order, with a tick every second. */
function play(steps: readonly Step[], { cut = (samples) => [samples], restartsBefore }: Play = {}) {
  let engine = createSiteEngine(settings());
  const facts: SiteFact[] = [];
  steps.forEach(({ second, samples }, index) => {
    if (index === restartsBefore) {
      const stored = JSON.parse(JSON.stringify(engine.snapshot()));
      engine = createSiteEngine(settings(), stored);
    }
    const instant = { now: at(second + 1), position: index };
    for (const part of samples.length === 0 ? [] : cut(samples, index)) {
      facts.push(...engine.observe(batch(part), instant));
    }
    for (let tick = second + 1; tick < second + 6; tick++) {
      facts.push(...engine.tick({ now: at(tick), position: index }));
    }
  });
  return facts;
}

const sky = fc.array(weather, { minLength: 5, maxLength: 40 });

/** Shuffles by a seed, so that a failure can be repeated. */
function shuffled<T>(given: readonly T[], seed: number): T[] {
  const list = [...given];
  let state = seed + 1;
  for (let i = list.length - 1; i > 0; i--) {
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (i + 1);
    [list[i], list[other]] = [list[other] as T, list[i] as T];
  }
  return list;
}

/** In the order in which they were taken, as an agent's spool keeps them, cut anywhere between times. */
function cutBetweenTimes(samples: readonly Sample[], seed: number): Sample[][] {
  const ordered = samples
    .map((one, place) => ({ one, place }))
    .sort((a, b) => a.one.at - b.one.at || a.place - b.place)
    .map(({ one }) => one);
  const parts: Sample[][] = [];
  ordered.forEach((one, i) => {
    const isNewTime = i === 0 || ordered[i - 1]?.at !== one.at;
    if (i === 0 || (isNewTime && (seed + i) % 2 === 0)) parts.push([]);
    parts.at(-1)?.push(one);
  });
  return parts;
}

describe('the same samples give the same facts', () => {
  test('however they are ordered inside a batch', () => {
    fc.assert(
      fc.property(sky, fc.nat(1e6), (given, seed) => {
        const steps = stepsOf(given);
        const mixed = steps.map((step, i) => ({
          ...step,
          samples: shuffled(step.samples, seed + i),
        }));
        expect(play(mixed)).toEqual(play(steps));
      }),
      { numRuns: 150 },
    );
  });

  test('however they are cut into batches', () => {
    fc.assert(
      fc.property(sky, fc.nat(1e6), (given, seed) => {
        const steps = stepsOf(given);
        const cut = (samples: readonly Sample[], step: number) =>
          cutBetweenTimes(samples, seed + step);
        expect(play(steps, { cut })).toEqual(play(steps));
      }),
      { numRuns: 150 },
    );
  });

  test('with a stop and a snapshot at any moment', () => {
    fc.assert(
      fc.property(sky, fc.nat(80), (given, moment) => {
        const steps = stepsOf(given);
        expect(play(steps, { restartsBefore: moment % steps.length })).toEqual(play(steps));
      }),
      { numRuns: 150 },
    );
  });

  test('when every batch comes twice', () => {
    fc.assert(
      fc.property(sky, (given) => {
        const steps = stepsOf(given);
        expect(play(steps, { cut: (samples) => [samples, samples] })).toEqual(play(steps));
      }),
      { numRuns: 50 },
    );
  });
});

/** Keys of the alerts that have fired and not been resolved. */
function openAfter(facts: ReturnType<typeof play>): string[] {
  const open = new Set<string>();
  for (const fact of facts) {
    if (fact.kind === 'alert.fired') open.add(fact.alert.key);
    if (fact.kind === 'alert.resolved') open.delete(fact.alert);
  }
  return [...open];
}

function healthOf(subject: string, facts: ReturnType<typeof play>): string | undefined {
  const last = facts.findLast((one) => one.kind === 'subject.changed' && one.subject === subject);
  return last?.kind === 'subject.changed' ? last.health : undefined;
}

describe('every story ends well', () => {
  test('what fired is resolved after a quarter of an hour of good weather', () => {
    const good: Weather = {
      loss: 0,
      rtt: 20,
      burst: undefined,
      isUp: true,
      answersSnmp: true,
      octets: 10_000_000,
      restarts: false,
      isSilent: false,
    };
    fc.assert(
      fc.property(sky, (given) => {
        const facts = play(stepsOf([...given, ...Array.from({ length: 90 }, () => good)]));
        const open = openAfter(facts);
        // An error budget looks back for half an hour and more: what was burnt counts as long.
        const burning = open.filter((key) => key.startsWith('link-error-budget|'));
        expect(open).toEqual(burning);
        for (const subject of [DEVICE, PORT, `agent:${AGENT}`]) {
          expect(healthOf(subject, facts)).toBe('up');
        }
        expect(healthOf(LINK, facts)).toBe(burning.length > 0 ? 'degraded' : 'up');
      }),
      { numRuns: 50 },
    );
  });

  test('facts of one alert alternate: fired, resolved, fired', () => {
    fc.assert(
      fc.property(sky, (given) => {
        const open = new Set<string>();
        for (const fact of play(stepsOf(given))) {
          if (fact.kind === 'alert.fired') {
            expect(open.has(fact.alert.key)).toBe(false);
            open.add(fact.alert.key);
            expect(fact.alert.evidence.onsetAt).toBeLessThanOrEqual(fact.at);
          } else if (fact.kind === 'alert.resolved') expect(open.delete(fact.alert)).toBe(true);
          else if (fact.kind === 'alert.blind') expect(open.has(fact.alert)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('input that should not be', () => {
  const quiet = (...samples: Sample[]): SiteFact[] =>
    createSiteEngine(settings())
      .observe(batch(samples), { now: at(1000), position: 1 })
      .filter((fact) => !(fact.kind === 'subject.changed' && fact.subject.startsWith('agent:')));

  test('samples that come too late judge nothing', () => {
    expect(quiet(sample(900, 'stamp_confirm_loss_ratio', 1))).toEqual([]);
    expect(quiet(sample(990, 'stamp_confirm_loss_ratio', 1))).not.toEqual([]);
  });

  test('samples from the future are left alone and do not silence the series', () => {
    const engine = createSiteEngine(settings());
    const far = sample(50_000, 'stamp_loss_ratio', 0, { every: 5 });
    engine.observe(batch([far]), { now: at(0), position: 1 });
    const facts = engine.observe(batch([sample(5, 'stamp_confirm_loss_ratio', 1)]), {
      now: at(6),
      position: 2,
    });
    expect(facts.map((fact) => fact.kind)).toContain('alert.fired');
  });

  test('what is no number says nothing', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(quiet(sample(995, 'stamp_loss_ratio', value))).toEqual([]);
      expect(quiet(sample(995, 'if_speed_bps', value, { subject: PORT }))).toEqual([]);
    }
  });

  test('a counter that comes as a number makes no rate', () => {
    const engine = createSiteEngine(settings(), undefined, () => {
      throw new Error('no figure expected');
    });
    for (const second of [0, 30, 60]) {
      const wrong = sample(second, 'if_in_errors_total', second * 100, { subject: PORT });
      engine.observe(batch([wrong]), { now: at(second), position: second });
    }
  });

  test('a snapshot of another version is refused', () => {
    expect(() => createSiteEngine(settings(), { v: 99 })).toThrow('unknown snapshot');
  });

  test('a snapshot does not change with the engine that gave it', () => {
    const engine = createSiteEngine(settings());
    const feed = (second: number) =>
      engine.observe(batch([sample(second, 'stamp_rtt_ms', 300, { every: 5 })]), {
        now: at(second),
        position: second,
      });
    feed(0);
    const snapshot = engine.snapshot();
    const before = JSON.stringify(snapshot);
    for (let second = 5; second < 100; second += 5) feed(second);
    expect(JSON.stringify(snapshot)).toBe(before);
  });

  test('alerts of a rule that is gone after a restart are resolved by the next configuration', () => {
    const engine = createSiteEngine(settings());
    engine.observe(batch([sample(0, 'stamp_confirm_loss_ratio', 1)]), { now: at(1), position: 1 });
    const bare = settings({ rules: [] });
    const restored = createSiteEngine(bare, engine.snapshot());
    expect(restored.configure(bare, { now: at(2), position: 2 })).toContainEqual(
      expect.objectContaining({
        kind: 'alert.resolved',
        alert: `link-unreachable|${LINK}|${AGENT}`,
      }),
    );
    expect(restored.configure(bare, { now: at(3), position: 3 })).toEqual([]);
  });
});
