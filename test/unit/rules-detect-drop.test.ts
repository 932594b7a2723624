import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import { seconds } from '../../protocol/model/units.ts';
import { dropJudge } from '../../rules/detect/drop.ts';
import { addRoom } from '../../rules/detect/inputs.ts';
import { createShared, createWatched, type Feed } from '../../rules/detect/watched.ts';
import type { Detector, Rule } from '../../rules/settings.ts';
import { DEVICE, desk, type SampleOptions, sample, settings } from '../support/detection.ts';

type Drop = Extract<Detector, { kind: 'drop' }>;

const SESSIONS: Drop = {
  kind: 'drop',
  metric: 'bgp_peers_established',
  least: 1,
  share: 0,
  settleFor: seconds(60),
  forgetAfter: seconds(3600),
};

const rule = (detector: Drop): Rule => ({
  id: 'drop',
  on: ['device'],
  detector,
  holdFor: seconds(0),
  clearAfter: seconds(10),
  severity: 'major',
  disturbance: 'degradation',
  cause: 'something lost',
  reason: 'test',
  advice: [],
  enabled: true,
});

const ON_DEVICE: SampleOptions = { subject: DEVICE };

/** A count every five seconds; `at(second)` gives its value, undefined = no sample. */
function story(
  until: number,
  value: (second: number) => number | undefined,
  detector: Drop = SESSIONS,
) {
  const watch = desk(settings({ rules: [rule(detector)] }));
  for (let second = 0; second <= until; second += 5) {
    const found = value(second);
    if (found === undefined) continue;
    watch.see(second, sample(second, detector.metric as MetricName, found, ON_DEVICE));
  }
  watch.until(until);
  return watch;
}

describe('a count that keeps its level', () => {
  test('is breached by the first sample that misses one, with the usual number as evidence', () => {
    const watch = story(200, (second) => (second < 100 ? 38 : 37));
    expect(watch.alerts()).toEqual(['fired@100 drop']);
    const [alert] = watch.fired('drop');
    expect(alert?.evidence).toMatchObject({ observed: 37, expected: 38, heldFor: 0 });
    expect(alert?.evidence.text).toBe('37 of 38 BGP sessions established left');
  });

  test('clears only when all are back', () => {
    const watch = story(300, (second) => {
      if (second < 100) return 38;
      if (second < 150) return 10;
      return second < 200 ? 37 : 38;
    });
    expect(watch.alerts()).toEqual(['fired@100 drop', 'resolved@210 drop']);
  });

  test('is not judged before it has kept its level for a minute', () => {
    expect(story(200, (second) => (second < 50 ? 38 : 20)).alerts()).toEqual([]);
    expect(story(200, (second) => (second < 65 ? 38 : 20)).alerts()).toEqual(['fired@65 drop']);
  });

  test('that grows is taken at its new level after a minute, not sooner', () => {
    const grown = (until: number) => (second: number) => {
      if (second < 100) return 38;
      return second < until ? 40 : 38;
    };
    expect(story(400, grown(150)).alerts()).toEqual([]);
    expect(story(400, grown(200)).alerts()).toEqual(['fired@200 drop']);
  });

  test('lowered for good is the usual level after the time to forget, and says so', () => {
    const watch = story(4000, (second) => (second < 100 ? 38 : 37));
    expect(watch.alerts()).toEqual(['fired@100 drop', 'resolved@3710 drop']);
    const resolved = watch.facts.find((fact) => fact.kind === 'alert.resolved');
    expect(resolved).toMatchObject({
      because: { text: '37 BGP sessions established for 1 h: that is the usual number now' },
    });
  });

  test('that was lost while nobody looked is still missed afterwards', () => {
    const watch = story(900, (second) => {
      if (second < 100) return 38;
      return second < 800 ? undefined : 30;
    });
    expect(watch.alerts()).toEqual(['fired@800 drop']);
  });

  test('that is zero from the beginning has nothing to lose', () => {
    expect(story(400, () => 0).alerts()).toEqual([]);
  });
});

describe('a share of a table', () => {
  const ROUTES: Drop = { ...SESSIONS, metric: 'route_count', least: 10, share: 0.5 };

  test('is breached when half is gone and normal again when three quarters are back', () => {
    const watch = story(
      300,
      (second) => {
        if (second < 100) return 1000;
        if (second < 150) return 499;
        return second < 200 ? 700 : 760;
      },
      ROUTES,
    );
    expect(watch.alerts()).toEqual(['fired@100 drop', 'resolved@210 drop']);
  });

  test('that shrinks slowly is followed', () => {
    expect(story(20_000, (second) => 1000 - second / 22, ROUTES).alerts()).toEqual([]);
  });

  test('of a small table needs ten to be missing', () => {
    expect(story(300, (second) => (second < 100 ? 12 : 4), ROUTES).alerts()).toEqual([]);
  });
});

describe('a drop alongside a rise', () => {
  const SHUT: Drop = {
    ...SESSIONS,
    metric: 'device_ports_up',
    alongside: { metric: 'device_ports_admin_down', within: seconds(60) },
  };

  function ports(lostAt: number, shutAt: number): string[] {
    const watch = desk(settings({ rules: [rule(SHUT)] }));
    for (let second = 0; second <= 400; second += 5) {
      watch.see(
        second,
        sample(second, 'device_ports_up', second < lostAt ? 24 : 23, ON_DEVICE),
        sample(second, 'device_ports_admin_down', second < shutAt ? 3 : 4, ON_DEVICE),
      );
    }
    return watch.alerts();
  }

  test.each([
    [200, 200, ['fired@200 drop'], 'both in one poll'],
    [200, 230, ['fired@230 drop'], 'the rise is read later'],
    [230, 200, ['fired@230 drop'], 'the rise is read earlier'],
    [200, 300, [], 'they have nothing to do with each other'],
    [200, 999, [], 'nobody shut anything down'],
    [999, 200, [], 'a port was shut down that was not in use'],
  ])('lost at %i s, shut at %i s', (lostAt, shutAt, expected) => {
    expect(ports(lostAt, shutAt)).toEqual(expected);
  });
});

describe('hostile counts', () => {
  test('negative and absurd numbers break nothing and are not learned', () => {
    const odd = [-1, -1e300, 1e300, Number.MAX_VALUE, 0.5];
    const watch = story(400, (second) =>
      second >= 100 && second < 125 ? odd[(second - 100) / 5] : 38,
    );
    expect(watch.alerts().filter((line) => line.startsWith('fired'))).toEqual(['fired@120 drop']);
    expect(watch.alerts().at(-1)).toBe('resolved@135 drop');
  });

  test('whatever comes, the state stays small, is JSON, and a full table is normal in the end', () => {
    const judge = dropJudge(SESSIONS);
    const values = fc.array(fc.oneof(fc.nat(50), fc.double({ noNaN: true })), { maxLength: 200 });
    fc.assert(
      fc.property(values, (given) => {
        const watched = createWatched('a', createShared('device:r'));
        const base = addRoom(watched, judge.first);
        let at = 1_000;
        const feed = (value: number) =>
          judge.observe(base, 0, { at, value, every: 5000, patience: 20_000, watched } as Feed);
        for (const value of given) {
          // JSON and every comparison take -0 for 0.
          feed(Number.isFinite(value) ? value + 0 : 0);
          at += 5_000;
        }
        const state = judge.save(base, watched);
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        expect(JSON.stringify(state).length).toBeLessThan(400);
        let verdict = feed(Number.MAX_VALUE);
        for (let n = 0; n < 20; n++) {
          at += 5_000;
          verdict = feed(Number.MAX_VALUE);
        }
        expect(verdict).toBe('normal');
      }),
    );
  });
});
