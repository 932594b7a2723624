import { describe, expect, test } from 'vitest';
import type { Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';
import {
  AGENT,
  at,
  DEVICE,
  desk,
  inventory,
  LINK,
  sample,
  secondOf,
  settings,
} from '../support/detection.ts';

/** One STAMP round of the link, every 5 s unless said otherwise. */
const round = (second: number, loss: number, rtt = 20, every = 5): Sample[] => [
  sample(second, 'stamp_loss_ratio', loss, { every }),
  ...(loss < 1 ? [sample(second, 'stamp_rtt_ms', rtt, { every })] : []),
];
const burst = (second: number, loss: number): Sample =>
  sample(second, 'stamp_confirm_loss_ratio', loss);

/** Rounds from `from` to before `to`. */
function rounds(
  noc: ReturnType<typeof desk>,
  [from, to]: readonly [number, number],
  of: (second: number) => Sample[],
  every = 5,
): void {
  for (let second = from; second < to; second += every) noc.see(second, ...of(second));
}
const well = (second: number): Sample[] => round(second, 0);

describe('a circuit is cut', () => {
  test('it is down with the first lost burst and up again after ten seconds of answers', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    noc.see(61.4, burst(61.3, 1));
    rounds(noc, [65, 110], (s) => [...round(s, 1), burst(s + 0.5, 1)]);
    rounds(noc, [110, 180], well);
    expect(noc.alerts()).toEqual(['fired@61.4 link-unreachable', 'resolved@120 link-unreachable']);
    expect(noc.health(LINK)).toEqual(['up@0', 'down@61.4', 'up@120']);
  });

  test('the alert says what was lost, since when, where and by whom it was seen', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    noc.see(60, ...round(60, 0.6));
    noc.see(62, burst(61.9, 1));
    expect(noc.fired('link-unreachable')).toEqual([
      {
        key: `link-unreachable|${LINK}|${AGENT}`,
        rule: 'link-unreachable',
        subject: LINK,
        agent: AGENT,
        site: 'lyon',
        severity: 'critical',
        disturbance: 'outage',
        firedAt: at(62),
        evidence: {
          metric: 'stamp_loss_ratio',
          series: `${AGENT}|stamp_loss_ratio|${LINK}`,
          onsetAt: at(60),
          heldFor: 1900,
          observed: 1,
          expected: 0,
          sureness: 1,
          text: '10 of 10 test packets lost after 60 % of the round before',
        },
      },
    ]);
  });

  test('an alert of a fixed limit, too, says what is usual there and since when that is learned', () => {
    const noc = desk();
    rounds(noc, [0, 1800], (s) => round(s, 0));
    rounds(noc, [1805, 1900], (s) => round(s, 0, 300));
    const [alert] = noc.fired('link-latency');
    expect(alert?.evidence).toMatchObject({ expected: 150, sureness: 1, learningSince: at(0) });
    expect(alert?.evidence.usual?.middle).toBeCloseTo(20, 0);
  });

  test('the round that was half over when the line died arrives late and is no sign of life', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    noc.see(63.2, burst(63.1, 1));
    noc.see(65.5, ...round(61.8, 0.6));
    noc.see(68.1, burst(68, 1));
    noc.until(90);
    expect(noc.alerts().slice(0, 1)).toEqual(['fired@63.2 link-unreachable']);
    expect(noc.alerts()).not.toContain('resolved@75 link-unreachable');
  });

  test('without bursts three wholly lost rounds are down, two are not', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    rounds(noc, [60, 70], (s) => round(s, 1));
    rounds(noc, [70, 100], well);
    rounds(noc, [100, 115], (s) => round(s, 1));
    rounds(noc, [115, 150], well);
    expect(noc.alerts()).toEqual(['fired@110 link-unreachable', 'resolved@125 link-unreachable']);
  });

  test.each([5, 60, 240])(
    'an outage sampled every %i s is one outage and nothing else',
    (every) => {
      const noc = desk();
      rounds(noc, [0, 40 * every], (s) => round(s, 0, 20, every), every);
      rounds(noc, [40 * every, 45 * every], (s) => round(s, 1, 20, every), every);
      rounds(noc, [45 * every, 90 * every], (s) => round(s, 0, 20, every), every);
      expect(noc.alerts().filter((line) => !line.includes('agent-silent'))).toEqual([
        `fired@${42 * every} link-unreachable`,
        expect.stringMatching(/^resolved@\d+ link-unreachable$/),
      ]);
    },
  );

  test('nothing is called down for a probe that never ran', () => {
    const noc = desk();
    rounds(noc, [0, 300], (s) => [sample(s, 'stamp_jitter_ms', 1, { every: 5 })]);
    expect(noc.alerts()).toEqual([]);
  });
});

describe('down means that all probes agree', () => {
  const ping = (second: number, loss: number, agent = AGENT): Sample =>
    sample(second, 'icmp_loss_ratio', loss, { subject: DEVICE, every: 5, agent });
  const lostPings = (second: number): Sample =>
    sample(second, 'icmp_confirm_loss_ratio', 1, { subject: DEVICE });
  const snmp = (second: number, answered: 0 | 1): Sample =>
    sample(second, 'snmp_answered', answered, { subject: DEVICE, every: 30 });

  test('a router that drops echoes but answers SNMP is cleared by the next answer, and does not flap', () => {
    const noc = desk();
    noc.see(0, ping(0, 0), snmp(0, 1));
    noc.see(31, ping(30, 1), lostPings(29.5), snmp(30, 1));
    rounds(noc, [35, 120], (s) => [
      ping(s, 1),
      lostPings(s + 0.1),
      ...(s % 30 === 0 ? [snmp(s + 0.2, 1)] : []),
    ]);
    expect(noc.fired('device-unreachable').map(({ firedAt }) => secondOf(firedAt))).toEqual([31]);
    expect(noc.alerts()).toContain('resolved@45 device-unreachable');
    expect(noc.alerts().filter((line) => line.startsWith('fired'))).toHaveLength(1);
  });

  test('a device that answers SNMP while the burst is lost is not down', () => {
    const noc = desk();
    noc.see(0, ping(0, 0), snmp(0, 1));
    noc.see(31, snmp(30, 1), lostPings(30.5));
    noc.until(40);
    expect(noc.alerts()).toEqual([]);
  });

  test('an answer from before the burst saves nobody', () => {
    const noc = desk();
    noc.see(0, ping(0, 0), snmp(0, 1));
    noc.see(30, snmp(29, 1), ping(28, 0));
    noc.see(33, lostPings(32.5));
    expect(noc.alerts()).toEqual(['fired@33 device-unreachable']);
  });

  test('another agent of the site that reaches it contradicts', () => {
    const noc = desk();
    rounds(noc, [0, 30], (s) => [ping(s, 0)]);
    rounds(noc, [2, 30], (s) => [ping(s, 0, 'lyon-agent-2')]);
    noc.see(32, ping(32, 0, 'lyon-agent-2'));
    noc.see(32.5, lostPings(31.5));
    expect(noc.alerts()).toEqual([]);
  });

  test('when the other probe fails as well it is down after all, and says so', () => {
    const noc = desk();
    noc.see(0, ping(0, 0), snmp(0, 1));
    noc.see(31, snmp(30, 1), lostPings(30.5));
    noc.see(61, snmp(60, 0), ping(60.1, 1), lostPings(60.9));
    expect(noc.alerts()).toEqual(['fired@61 device-unreachable']);
    expect(noc.fired('device-unreachable')[0]?.evidence.text).toBe(
      '10 of 10 echoes lost, SNMP silent too',
    );
  });
});

describe('a line loses packets', () => {
  test('a steady 20 % of a new line is a degradation about 40 s after the first loss, never an outage', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    rounds(noc, [60, 180], (s) => round(s, 0.2));
    rounds(noc, [180, 300], well);
    expect(noc.alerts()).toEqual(['fired@100 link-loss', 'resolved@245 link-loss']);
    expect(noc.fired('link-loss')[0]?.evidence).toMatchObject({ onsetAt: at(60), heldFor: 40_000 });
  });

  test('bursts after a miss are evidence too: with them it is known in fifteen seconds', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    rounds(noc, [60, 100], (s) => [...round(s, 0.2), burst(s + 1, 0.2)]);
    expect(noc.alerts()).toEqual(['fired@75 link-loss']);
  });

  test('one bad second is one sample of evidence, and stays silent', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    noc.see(61, burst(60.9, 0.9));
    noc.see(62, ...round(61, 0.8));
    rounds(noc, [65, 200], well);
    expect(noc.alerts()).toEqual([]);
  });

  test('an outage leaves no loss alert behind', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    noc.see(60, ...round(60, 0.4), burst(61.5, 1));
    rounds(noc, [65, 110], (s) => [...round(s, 1), burst(s + 1, 1)]);
    noc.see(112, ...round(111, 0.8));
    rounds(noc, [115, 200], well);
    expect(noc.alerts()).toEqual(['fired@60 link-unreachable', 'resolved@125 link-unreachable']);
  });

  test('one lost echo in a hundred is usual and stays silent for a day', () => {
    const noc = desk();
    // Every twentieth round of five loses one echo: 1 %, in the most regular of all patterns.
    for (let i = 0; i < 17_280; i++) {
      noc.facts.push(
        ...noc.engine.observe(
          { agent: AGENT, lane: 'live', samples: round(i * 5, i % 20 === 0 ? 0.2 : 0) },
          { now: at(i * 5), position: i },
        ),
      );
    }
    expect(noc.alerts()).toEqual([]);
  });

  test('60 s and 240 s rounds find the same loss', () => {
    for (const every of [60, 240]) {
      const noc = desk();
      rounds(noc, [0, 20 * every], (s) => round(s, 0, 20, every), every);
      rounds(noc, [20 * every, 30 * every], (s) => round(s, 0.2, 20, every), every);
      rounds(noc, [30 * every, 60 * every], (s) => round(s, 0, 20, every), every);
      expect(noc.alerts().filter((line) => line.includes('link'))).toEqual([
        expect.stringMatching(/^fired@\d+ link-loss$/),
        expect.stringMatching(/^resolved@\d+ link-loss$/),
      ]);
    }
  });
});

describe('a line becomes slow', () => {
  test('a detour of 180 ms is told after 40 s and forgotten a minute after it', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    rounds(noc, [60, 110], (s) => round(s, 0, 200));
    rounds(noc, [110, 240], well);
    expect(noc.alerts()).toEqual(['fired@95 link-latency', 'resolved@165 link-latency']);
    expect(noc.fired('link-latency')[0]?.evidence).toMatchObject({
      metric: 'stamp_rtt_ms',
      onsetAt: at(60),
      expected: 150,
      text: 'round trip 200 ms in the mean of 30 s, limit 150 ms',
    });
  });

  test.each([5, 60, 240])('the same slowness sampled every %i s opens the same alert', (every) => {
    const noc = desk();
    rounds(noc, [0, 20 * every], (s) => round(s, 0, 20, every), every);
    rounds(noc, [20 * every, 40 * every], (s) => round(s, 0, 400, every), every);
    rounds(noc, [40 * every, 80 * every], (s) => round(s, 0, 20, every), every);
    expect(noc.alerts().filter((line) => line.includes('link'))).toEqual([
      expect.stringMatching(/^fired@\d+ link-latency$/),
      expect.stringMatching(/^resolved@\d+ link-latency$/),
    ]);
    const onset = noc.fired('link-latency')[0]?.evidence.onsetAt;
    expect(onset).toBe(at(20 * every));
  });

  test('a single slow round says nothing, however slow', () => {
    const noc = desk();
    rounds(noc, [0, 300], (s) => round(s, 0, s === 150 ? 500 : 20));
    expect(noc.alerts()).toEqual([]);
  });

  test('what flutters between the limits stays as it is', () => {
    const noc = desk();
    rounds(noc, [0, 60], well);
    rounds(noc, [60, 120], (s) => round(s, 0, 200));
    rounds(noc, [120, 600], (s) => round(s, 0, s % 10 === 0 ? 140 : 130));
    expect(noc.alerts()).toEqual(['fired@95 link-latency']);
  });

  test('a LAN is judged by its own limit', () => {
    const lan = desk(settings({ inventory: inventory('lan') }));
    rounds(lan, [0, 120], (s) => round(s, 0, 40));
    expect(lan.fired('lan-latency')).toHaveLength(1);
    const wan = desk();
    rounds(wan, [0, 120], (s) => round(s, 0, 40));
    expect(wan.alerts()).toEqual([]);
  });

  test('a recorded series that no inventory knows is judged as a WAN link without a site', () => {
    const noc = desk(settings({ inventory: { sites: [], devices: [], links: [], agents: [] } }));
    const subject: SubjectKey = 'link:somewhere';
    const slow = (s: number): Sample[] => [
      sample(s, 'icmp_loss_ratio', 0, { subject }),
      sample(s, 'icmp_rtt_ms', s < 2400 ? 30 : 300, { subject }),
    ];
    rounds(noc, [0, 4800], slow, 240);
    expect(noc.alerts()).toEqual([expect.stringMatching(/^fired@\d+ link-latency$/)]);
    expect(noc.fired('link-latency')[0]?.site).toBeUndefined();
  });
});

test('a limit below which it is bad works upside down', () => {
  const [latency] = DEFAULT_RULES.filter((rule) => rule.id === 'link-latency');
  if (latency?.detector.kind !== 'threshold') throw new Error('link-latency is a threshold');
  const rule = {
    ...latency,
    detector: { ...latency.detector, band: { raiseAt: 10, clearAt: 15 } },
  };
  const noc = desk(settings({ rules: [rule] }));
  rounds(noc, [0, 60], well);
  rounds(noc, [60, 120], (s) => round(s, 0, 5));
  rounds(noc, [120, 240], well);
  expect(noc.alerts().map((line) => line.split('@')[0])).toEqual(['fired', 'resolved']);
});
