import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { durationMs } from '../../protocol/model/units.ts';
import {
  addTo,
  createHistogram,
  HALF_LIFE,
  histogramState,
  quantiles,
  restoreHistogram,
  shareAbove,
} from '../../rules/detect/baseline-histogram.ts';
import { emptyMinute, gather } from '../../rules/detect/baseline-points.ts';
import { createEngine } from '../../rules/engine.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import {
  AGENT,
  at,
  batch,
  inventory,
  LINK,
  type SiteFact,
  sample,
  secondOf,
  settings,
} from '../support/detection.ts';

const SCALE = { unit: 0.05, step: 0.015 };
const DAY = 86_400_000;

function median(values: readonly number[]): number {
  const histogram = createHistogram(SCALE);
  values.forEach((value, i) => {
    addTo(histogram, 1 + i, value);
  });
  const found: number[] = [];
  quantiles(histogram, [0.5], found);
  return found[0] as number;
}

describe('the memory of a series', () => {
  test('finds the median within a bucket', () => {
    const some = fc.array(fc.double({ min: 0.2, max: 5000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(some, (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const low = sorted[Math.ceil(sorted.length / 2) - 1] as number;
        const high = sorted[Math.floor(sorted.length / 2)] as number;
        expect(median(values)).toBeGreaterThan(low * 0.98);
        expect(median(values)).toBeLessThan(high * 1.02);
      }),
    );
  });

  test('an old level is half forgotten after its half-life', () => {
    const histogram = createHistogram(SCALE);
    for (let i = 0; i < 1000; i++) addTo(histogram, 1 + i, 20);
    for (let i = 0; i < 1000; i++) addTo(histogram, 1 + HALF_LIFE + i, 40);
    expect(shareAbove(histogram, 30)).toBeCloseTo(2 / 3, 2);
  });

  test('years and wild values neither grow it nor break it, and its snapshot is exact', () => {
    const wild = fc.array(
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(0, -1, 1e300, -1e300, 5e-324),
      ),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(wild, fc.integer({ min: 1, max: DAY }), (values, step) => {
        const one = createHistogram(SCALE);
        values.forEach((value, i) => {
          addTo(one, 1 + i * step, value);
        });
        expect(one.counts.length).toBeLessThanOrEqual(700);
        const other = restoreHistogram(SCALE, JSON.parse(JSON.stringify(histogramState(one))));
        expect(other).toEqual(one);
      }),
    );
  });
});

describe('what is judged', () => {
  test('rounds every 5 s are judged by the median of each minute', () => {
    const minute = emptyMinute();
    const points = Array.from({ length: 25 }, (_, i) =>
      gather(minute, at(40 + i * 5), i === 3 ? 900 : 20 + i, durationMs(5000)),
    ).filter((point) => point !== undefined);
    expect(points.map(({ value }) => value)).toEqual([26.5, 37.5]);
    expect(points[0]).toMatchObject({ since: at(40), at: at(95), spans: 60_000 });
  });

  test('samples that come no more often than once a minute are judged as they are', () => {
    const point = gather(emptyMinute(), at(0), 21, durationMs(240_000));
    expect(point).toEqual({ since: at(0), at: at(0), value: 21, spans: 240_000 });
  });
});

const RTT: MetricName = 'stamp_rtt_ms';

interface Story {
  readonly every: number;
  readonly until: number;
  readonly rtt: (second: number) => number;
}

/** A number between -1 and 1 that looks random. */
const noise = (second: number): number => Math.sin(second * 12.9898 + (second % 977));

function samplesOf({ every, until, rtt }: Story): Sample[] {
  const samples: Sample[] = [];
  for (let second = 0; second < until; second += every) {
    samples.push(sample(second, RTT, rtt(second), { every }));
  }
  return samples;
}

function tell(story: Story, restartEvery = Number.POSITIVE_INFINITY, atOnce = 1): SiteFact[] {
  let engine = createSiteEngine(settings());
  const facts: SiteFact[] = [];
  const samples = samplesOf(story);
  for (let i = 0; i < samples.length; i += atOnce) {
    if (i > 0 && i % restartEvery === 0) {
      engine = createSiteEngine(settings(), JSON.parse(JSON.stringify(engine.snapshot())));
    }
    const some = samples.slice(i, i + atOnce);
    const now = (some.at(-1) as Sample).at;
    facts.push(...engine.observe(batch(some), { now, position: i }));
  }
  return facts;
}

const alerts = (facts: readonly SiteFact[], rule: string): string[] =>
  facts.flatMap((fact) => {
    if (fact.kind === 'alert.fired' && fact.alert.rule === rule) return ['fired'];
    return fact.kind === 'alert.resolved' && fact.alert.startsWith(`${rule}|`) ? ['resolved'] : [];
  });

const firings = (facts: readonly SiteFact[], rule: string) =>
  facts.flatMap((fact) =>
    fact.kind === 'alert.fired' && fact.alert.rule === rule ? [fact.alert] : [],
  );

const HOUR = 3600;
/** A detour of 25 ms for two hours, after six quiet ones. */
const detour = (every: number): Story => ({
  every,
  until: 10 * HOUR,
  rtt: (second) => 30 + noise(second) + (second >= 6 * HOUR && second < 8 * HOUR ? 25 : 0),
});

describe('a line becomes slower than it was', () => {
  test.each([5, 60, 240])('a detour sampled every %i s is one alert, told as soon', (every) => {
    const facts = tell(detour(every));
    expect(alerts(facts, 'link-latency-shift')).toEqual(['fired', 'resolved']);
    const [alert] = firings(facts, 'link-latency-shift');
    // A minute may have begun before it.
    expect(Math.abs(secondOf(alert?.evidence.onsetAt ?? 0) - 6 * HOUR)).toBeLessThan(60);
    const delay = secondOf(alert?.firedAt ?? 0) - 6 * HOUR;
    expect(delay).toBeGreaterThan(7 * 60);
    expect(delay).toBeLessThan(21 * 60);
  });

  test('the alert says what is usual, how sure it is, and that the baseline is young', () => {
    const { evidence } = firings(tell(detour(60)), 'link-latency-shift')[0] ?? {};
    expect(evidence?.usual?.middle).toBeGreaterThan(29);
    expect(evidence?.usual?.middle).toBeLessThan(31);
    expect(evidence?.usual?.low).toBeLessThan(evidence?.usual?.middle ?? 0);
    expect(evidence?.usual?.high).toBeGreaterThan(evidence?.usual?.middle ?? 0);
    expect(evidence?.observed).toBeGreaterThan(50);
    expect(evidence?.expected).toBeLessThan(45);
    expect(evidence?.sureness).toBeGreaterThan(0.5);
    expect(evidence?.sureness).toBeLessThan(0.7);
    expect(secondOf(evidence?.learningSince ?? 0)).toBe(0);
    expect(evidence?.text).toMatch(/^round trip 5\d.* ms for .*usually 30.* ms .*baseline young/);
  });

  test('nothing is called unusual in the first ten minutes', () => {
    const story = { every: 5, until: 600, rtt: (s: number) => (s < 200 ? 20 : 90) };
    expect(alerts(tell(story), 'link-latency-shift')).toEqual([]);
  });

  test('a burst of five minutes is no shift, however high', () => {
    const story: Story = {
      every: 5,
      until: 30 * HOUR,
      rtt: (s) => (s >= 28 * HOUR && s < 28 * HOUR + 300 ? 120 : 30 + noise(s)),
    };
    expect(alerts(tell(story), 'link-latency-shift')).toEqual([]);
  });

  test('a lasting change becomes usual by itself', () => {
    const story: Story = {
      every: 240,
      until: 12 * 86_400,
      rtt: (s) => 30 + noise(s) + (s > 3 * 86_400 ? 12 : 0),
    };
    expect(alerts(tell(story), 'link-latency-shift')).toEqual(['fired', 'resolved']);
  });
});

describe('a line that always was slow', () => {
  const satellite: Story = { every: 5, until: 2 * HOUR, rtt: (s) => 600 + noise(s) };

  test('is no news by the absolute limit, from its first sample on', () => {
    expect(alerts(tell(satellite), 'link-latency')).toEqual([]);
  });

  test('is told by the absolute limit when it becomes slow before its baseline is known', () => {
    const facts = tell({ ...satellite, rtt: (s) => (s < 120 ? 40 : 600) + noise(s) });
    expect(alerts(facts, 'link-latency')[0]).toBe('fired');
    expect(secondOf(facts.find((fact) => fact.kind === 'alert.fired')?.at ?? 0)).toBeLessThan(240);
    const resolved = facts.find((fact) => fact.kind === 'alert.resolved');
    expect(resolved?.because.text).toMatch(/^round trip of 600 ms is usual here/);
  });

  test('and clears, when it lies between both limits, as soon as it is as good as at first', () => {
    // Now and then an answer is quick: what has been slow since the very first sample is no change.
    const usual = (s: number): number => (s % 50 === 0 ? 115 : 132);
    const facts = tell({
      every: 5,
      until: 580,
      rtt: (s) => (s >= 200 && s < 400 ? 260 : usual(s)) + noise(s),
    });
    expect(alerts(facts, 'link-latency')).toEqual(['fired', 'resolved']);
    const resolved = facts.find((fact) => fact.kind === 'alert.resolved');
    expect(secondOf(resolved?.at ?? 0)).toBeLessThan(500);
    expect(resolved?.because.text).toMatch(/^round trip of 1\d\d ms is usual here/);
  });

  test('one fault that both rules see is one incident', () => {
    const engine = createEngine(settings({ inventory: inventory() }));
    const opened: string[] = [];
    const story: Story = {
      every: 5,
      until: 3 * HOUR,
      rtt: (s) => (s >= HOUR && s < 2 * HOUR ? 260 : 40) + noise(s),
    };
    samplesOf(story).forEach((one, position) => {
      for (const fact of engine.observe(batch([one]), { now: one.at, position })) {
        if (fact.kind === 'incident.opened') opened.push(fact.view.subject);
      }
      engine.tick({ now: one.at, position });
    });
    expect(opened).toEqual([LINK]);
  });
});

describe('the change log', () => {
  const changes = (facts: readonly SiteFact[]) =>
    facts.flatMap((fact) => (fact.kind === 'level.changed' ? [fact] : []));

  test.each([5, 60, 240])('a step there and back, sampled every %i s, is two changes', (every) => {
    const found = changes(tell(detour(every)));
    const since = found.map((one) => Math.round(secondOf(one.since) / 60));
    expect(since).toEqual([360, 480]);
    expect(found[0]?.before).toBeCloseTo(30, 0);
    expect(found[0]?.after).toBeCloseTo(55, 0);
    expect(found[0]?.text).toMatch(
      /^round trip stepped from .* ms to .* ms and stayed for 20 min$/,
    );
    const lag = secondOf(found[0]?.at ?? 0) - 6 * HOUR;
    expect(lag).toBeGreaterThan(15 * 60);
    expect(lag).toBeLessThan(25 * 60);
  });

  test('a series that steps without end fills no log', () => {
    const story: Story = {
      every: 240,
      until: 4 * 86_400,
      rtt: (s) => 30 + 40 * (Math.floor(s / 1500) % 2),
    };
    const found = changes(tell(story));
    expect(found.length).toBeGreaterThan(24);
    expect(found.length).toBeLessThan(24 + 4 * 24 + 2);
  });
});

describe('determinism', () => {
  const stormy: Story = {
    every: 60,
    until: 40 * HOUR,
    rtt: (s) => 30 + 3 * noise(s) + (s % (9 * HOUR) > 7 * HOUR ? 40 : 0),
  };

  test('an engine restarted from its snapshot says the same as one that ran on', () => {
    const facts = tell(stormy);
    expect(alerts(facts, 'link-latency-shift').length).toBeGreaterThan(2);
    expect(tell(stormy, 7)).toEqual(facts);
  });

  test('how the samples are cut into batches does not matter', () => {
    const known = (facts: readonly SiteFact[]): string[] =>
      facts.flatMap((fact) => {
        if (fact.kind === 'alert.fired') return [`${fact.alert.rule} ${fact.alert.evidence.text}`];
        return fact.kind === 'level.changed' ? [`${fact.since} ${fact.text}`] : [];
      });
    // Whole minutes in one batch arrive with the newest of them: 'at' differs, what is found does not.
    expect(known(tell({ ...stormy, every: 5, until: 20 * HOUR }, undefined, 12))).toEqual(
      known(tell({ ...stormy, every: 5, until: 20 * HOUR })),
    );
  });

  test('late, repeated and reordered samples change nothing', () => {
    const engine = createSiteEngine(settings());
    const samples = samplesOf({ ...stormy, until: 20 * HOUR });
    const facts: SiteFact[] = [];
    samples.forEach((one, i) => {
      const earlier = samples[Math.max(0, i - 3)] as Sample;
      const echo = { ...earlier, value: 9999 };
      const instant = { now: one.at, position: i };
      facts.push(...engine.observe(batch([one, one, echo]), instant));
    });
    expect(facts.filter((fact) => fact.kind === 'alert.fired')).toEqual(
      tell({ ...stormy, until: 20 * HOUR }).filter((fact) => fact.kind === 'alert.fired'),
    );
  });

  test('the snapshot of a series with its baselines stays small', () => {
    const engine = createSiteEngine(settings());
    for (const one of samplesOf({ ...stormy, until: 72 * HOUR })) {
      engine.observe(batch([one]), { now: one.at, position: 1 });
    }
    const text = JSON.stringify(engine.snapshot());
    expect(text).toContain(AGENT);
    expect(text.length).toBeLessThan(6_000);
  });
});
