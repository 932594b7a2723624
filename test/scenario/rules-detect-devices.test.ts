import { describe, expect, test } from 'vitest';
import type { Sample } from '../../protocol/model/sample.ts';
import { minutes } from '../../protocol/model/units.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';
import {
  at,
  batch,
  DEVICE,
  desk,
  inventory,
  LINK,
  PORT,
  sample,
  secondOf,
  settings,
} from '../support/detection.ts';

type Noc = ReturnType<typeof desk>;

const MBIT = 1_000_000 / 8;

interface PortPoll {
  readonly octets?: bigint;
  readonly errors?: bigint;
  readonly isUp?: boolean;
  readonly isAdminUp?: boolean;
  readonly uptime?: number;
  readonly boots?: number;
  readonly discontinuity?: number;
  readonly speed?: number;
  readonly every?: number;
}

/** One SNMP poll of a router with one 100 Mbit/s port, as an agent sends it. */
function poll(second: number, port: PortPoll = {}): Sample[] {
  const { every = 30, uptime = second + 100_000, isUp = true, isAdminUp = true } = port;
  const device = { subject: DEVICE, every } as const;
  const on = { subject: PORT, every } as const;
  const counter = { ...on, bits: 64 } as const;
  return [
    sample(second, 'snmp_answered', 1, device),
    sample(second, 'device_uptime_ticks', uptime * 100, device),
    sample(second, 'device_engine_boots', port.boots ?? 3, device),
    sample(second, 'if_admin_up', Number(isAdminUp), on),
    sample(second, 'if_oper_up', Number(isUp), on),
    sample(second, 'if_speed_bps', port.speed ?? 100_000_000, on),
    sample(second, 'if_discontinuity_ticks', port.discontinuity ?? 0, on),
    sample(second, 'if_in_octets_total', port.octets ?? 0n, counter),
    sample(second, 'if_out_octets_total', 0n, counter),
    sample(second, 'if_in_errors_total', port.errors ?? 0n, counter),
  ];
}

const silentPoll = (second: number, every = 30): Sample =>
  sample(second, 'snmp_answered', 0, { subject: DEVICE, every });

function polls(
  noc: Noc,
  [from, to]: readonly [number, number],
  of: (s: number) => Sample[],
  every = 30,
): void {
  for (let second = from; second < to; second += every) noc.see(second + 0.5, ...of(second));
}

/** Counts on at a constant rate from second 0. */
const at10Mbit = (second: number): bigint => BigInt(Math.round(10 * MBIT * second));

describe('a line is filled', () => {
  test.each([30, 60, 240])(
    'a saturated line polled every %i s is one congestion alert',
    (every) => {
      const noc = desk();
      const from = 20 * every;
      const to = from + Math.max(600, 5 * every);
      const octets = (s: number): bigint => {
        const full = Math.max(0, Math.min(s, to) - from);
        return at10Mbit(s - full) + BigInt(Math.round(98.5 * MBIT * full));
      };
      polls(noc, [0, to + 10 * every], (s) => poll(s, { octets: octets(s), every }), every);
      expect(noc.alerts()).toEqual([
        expect.stringMatching(/^fired@\S+ interface-utilisation$/),
        expect.stringMatching(/^resolved@\S+ interface-utilisation$/),
      ]);
      const [alert] = noc.fired('interface-utilisation');
      expect(secondOf(alert?.firedAt ?? 0) - from).toBeLessThanOrEqual(Math.max(150, every + 1));
      expect(alert?.evidence.onsetAt).toBe(at(from + every));
      expect(alert?.evidence.text).toMatch(/^line in use, received 9\d/);
    },
  );

  test('a port whose speed nobody knows has no utilisation', () => {
    const derived: string[] = [];
    const noc = desk(settings(), (_agent, metric) => derived.push(metric));
    polls(noc, [0, 300], (s) => poll(s, { octets: BigInt(s) * 10n ** 9n, speed: 0 }));
    expect(derived).not.toContain('if_in_utilisation_ratio');
    expect(derived).toContain('if_in_errors_per_s');
    expect(noc.alerts()).toEqual([]);
  });

  test('derived figures are told with the time of their sample', () => {
    const derived: unknown[] = [];
    const noc = desk(settings(), (...figure) => derived.push(figure));
    polls(noc, [0, 60], (s) => poll(s, { octets: at10Mbit(s) }));
    expect(derived).toContainEqual(['lyon-agent', 'if_in_utilisation_ratio', PORT, at(30), 0.1]);
  });
});

describe('a router restarts', () => {
  const figures = (of: (second: number) => Sample[]): { noc: Noc; highest: number } => {
    let highest = 0;
    const noc = desk(settings(), (_agent, metric, _subject, _at, value) => {
      if (metric === 'if_in_utilisation_ratio') highest = Math.max(highest, value);
    });
    polls(noc, [0, 1200], of);
    return { noc, highest };
  };
  const sinceBoot = (s: number): number => (s < 600 ? s + 100_000 : s - 595);

  test('counters that begin at zero draw no spike, and the restart is a fact, not an alert', () => {
    const { noc, highest } = figures((s) =>
      poll(s, { uptime: sinceBoot(s), octets: at10Mbit(sinceBoot(s)), boots: s < 600 ? 3 : 4 }),
    );
    expect(highest).toBeCloseTo(0.1, 6);
    expect(noc.alerts()).toEqual([]);
    expect(noc.facts.filter((fact) => fact.kind === 'device.restarted')).toEqual([
      { kind: 'device.restarted', at: at(600.5), subject: DEVICE, uptime: 5000 },
    ]);
  });

  test('neither do counters that begin at a random value', () => {
    const { highest } = figures((s) =>
      poll(s, { uptime: sinceBoot(s), octets: at10Mbit(s) + (s < 600 ? 0n : 10n ** 8n) }),
    );
    expect(highest).toBeCloseTo(0.1, 6);
  });

  test('nor a discontinuity that a line card announces', () => {
    const { noc, highest } = figures((s) =>
      poll(s, {
        octets: at10Mbit(s) + (s < 600 ? 0n : 2n * 10n ** 8n),
        discontinuity: s < 600 ? 0 : 10_060_000,
      }),
    );
    expect(highest).toBeCloseTo(0.1, 6);
    expect(noc.facts.filter((fact) => fact.kind === 'device.restarted')).toEqual([]);
  });

  test('ports may take two minutes to come up again', () => {
    const noc = desk();
    polls(noc, [0, 1200], (s) => poll(s, { uptime: sinceBoot(s), isUp: s < 600 || s >= 690 }));
    expect(noc.alerts()).toEqual([]);
  });

  test('a port that stays down after that is told', () => {
    const noc = desk();
    polls(noc, [0, 1200], (s) => poll(s, { uptime: sinceBoot(s), isUp: s < 600 }));
    expect(noc.alerts()).toEqual(['fired@720.5 interface-down']);
  });
});

describe('a port goes down', () => {
  test('it is told at the next poll and resolved when it stays up', () => {
    const noc = desk();
    polls(noc, [0, 300], (s) => poll(s, { isUp: s < 120 || s >= 210 }));
    expect(noc.alerts()).toEqual(['fired@120.5 interface-down', 'resolved@240.5 interface-down']);
    expect(noc.health(PORT)).toEqual(['up@0.5', 'down@120.5', 'up@240.5']);
  });

  test('shut down by an administrator it says nothing, and a shutdown ends the alert', () => {
    const noc = desk();
    polls(noc, [0, 300], (s) => poll(s, { isUp: s < 120, isAdminUp: s < 210 }));
    expect(noc.alerts()).toEqual(['fired@120.5 interface-down', 'resolved@240.5 interface-down']);
    const resolved = noc.facts.find((fact) => fact.kind === 'alert.resolved');
    expect(resolved).toMatchObject({ because: { text: 'it was shut down by an administrator' } });
    const quiet = desk();
    polls(quiet, [0, 300], (s) => poll(s, { isUp: s < 120, isAdminUp: s < 120 }));
    expect(quiet.alerts()).toEqual([]);
  });

  test('never yet seen up it is an empty socket, not a fault', () => {
    const noc = desk();
    polls(noc, [0, 300], (s) => poll(s, { isUp: false }));
    expect(noc.alerts()).toEqual([]);
  });

  test('a port that disappears becomes unknown; its alert stays open and says so', () => {
    const noc = desk();
    polls(noc, [0, 180], (s) => poll(s, { isUp: s < 120 }));
    polls(noc, [180, 400], (s) => poll(s).slice(0, 3));
    expect(noc.alerts()).toEqual(['fired@120.5 interface-down', 'blind@246 interface-down']);
    expect(noc.health(PORT)).toEqual(['up@0.5', 'down@120.5', 'unknown@246']);
    const blind = noc.facts.find((fact) => fact.kind === 'alert.blind');
    expect(blind).toMatchObject({ since: at(150) });
  });
});

describe('a port counts errors', () => {
  /** `perPoll` errors more in each poll of the stretch. */
  const counting =
    (from: number, to: number, perPoll: number) =>
    (s: number): bigint =>
      BigInt(Math.floor(Math.max(0, Math.min(s, to) - from) / 30)) * BigInt(perPoll);

  test('forty a second are proved by three polls and over when they stop', () => {
    const noc = desk();
    const errors = counting(600, 960, 1_200);
    polls(noc, [0, 1500], (s) => poll(s, { errors: errors(s) }));
    expect(noc.alerts()).toEqual([
      'fired@690.5 interface-errors',
      'resolved@1050.5 interface-errors',
    ]);
    expect(noc.fired('interface-errors')[0]?.evidence).toMatchObject({
      metric: 'if_in_errors_per_s',
      onsetAt: at(630),
      observed: 40,
      learningSince: at(30),
      text: expect.stringContaining('receive errors 40 /s, usual 0 /s'),
    });
  });

  test('one burst, however big, is one poll and says nothing', () => {
    const noc = desk();
    const errors = counting(600, 630, 100_000);
    polls(noc, [0, 1500], (s) => poll(s, { errors: errors(s) }));
    expect(noc.alerts()).toEqual([]);
  });

  test('the usual trickle says nothing; twenty times as many are told within five minutes', () => {
    const noc = desk();
    const DAY = 86_400;
    // One error in ten minutes since ever, then one in 30 s.
    const errors = (s: number): bigint =>
      BigInt(Math.floor(s / 600)) + counting(DAY, 2 * DAY, 6)(s);
    for (let s = 0; s < DAY + 600; s += 30) {
      const instant = { now: at(s + 0.5), position: s };
      noc.facts.push(...noc.engine.observe(batch(poll(s, { errors: errors(s) })), instant));
    }
    const fired = noc.fired('interface-errors');
    expect(fired).toHaveLength(1);
    expect(secondOf(fired[0]?.firedAt ?? 0)).toBeGreaterThan(DAY);
    expect(secondOf(fired[0]?.firedAt ?? 0)).toBeLessThanOrEqual(DAY + 300);
  });
});

describe('slow tables', () => {
  const cpu = (second: number, value: number): Sample =>
    sample(second, 'device_cpu_ratio', value, { subject: DEVICE, every: 300 });
  test('one busy reading is an accident, two are an alert', () => {
    const noc = desk();
    polls(noc, [0, 6000], (s) => [cpu(s, s === 1500 || (s >= 3000 && s < 4500) ? 0.97 : 0.3)], 300);
    expect(noc.alerts()).toEqual(['fired@3300.5 device-cpu', 'resolved@4800.5 device-cpu']);
  });

  test('memory and temperature have their own limits', () => {
    const noc = desk();
    polls(
      noc,
      [0, 3000],
      (s) => [
        sample(s, 'device_memory_ratio', 0.95, { subject: DEVICE, every: 300 }),
        sample(s, 'device_temperature_celsius', 81, { subject: DEVICE, every: 300 }),
      ],
      300,
    );
    expect(noc.alerts().map((line) => line.split(' ')[1])).toEqual([
      'device-temperature',
      'device-memory',
    ]);
  });
});

describe('SNMP falls silent', () => {
  test.each([
    { every: 5, fires: 15.5 },
    { every: 10, fires: 20.5 },
    { every: 30, fires: 60.5 },
    { every: 60, fires: 120.5 },
  ])(
    'polled every $every s it is told at the third miss, 15 s after the first at the earliest',
    ({ every, fires }) => {
      const noc = desk();
      polls(noc, [0, 600], (s) => poll(s, { every }), every);
      polls(noc, [600, 900], (s) => [silentPoll(s, every)], every);
      polls(noc, [900, 1200], (s) => poll(s, { every }), every);
      expect(noc.alerts()).toEqual([
        `fired@${600 + fires} snmp-silent`,
        `resolved@${900.5 + Math.max(every, 10)} snmp-silent`,
      ]);
      expect(noc.fired('snmp-silent')[0]).toMatchObject({
        disturbance: 'degradation',
        evidence: { onsetAt: at(600) },
      });
    },
  );

  test('two lost polls and an answer, over and over, are a busy processor', () => {
    const noc = desk();
    polls(noc, [0, 900], (s) => (s % 90 === 0 ? poll(s) : [silentPoll(s)]));
    expect(noc.alerts()).toEqual([]);
  });
});

describe('an agent falls silent', () => {
  const round = (s: number, loss = 0): Sample => sample(s, 'stamp_loss_ratio', loss, { every: 5 });

  test('it is told after 12 s, what it watched is unknown at once, and it clears when heard again', () => {
    const noc = desk();
    for (let s = 0; s <= 60; s += 5) noc.see(s, round(s));
    noc.mute();
    noc.until(120);
    for (let s = 121; s < 160; s += 5) noc.see(s, round(s));
    expect(noc.alerts()).toEqual(['fired@72 agent-silent', 'resolved@131 agent-silent']);
    expect(noc.health('agent:lyon-agent')).toEqual(['up@0', 'down@72', 'up@131']);
    expect(noc.health(LINK)).toEqual(['up@0', 'unknown@72', 'up@121']);
    expect(noc.fired('agent-silent')[0]?.evidence).toMatchObject({ onsetAt: at(60) });
  });

  test('missing data is not recovery: an open alert goes blind and stays', () => {
    const noc = desk();
    for (let s = 0; s < 60; s += 5) noc.see(s, round(s));
    for (let s = 60; s <= 80; s += 5) noc.see(s, round(s, 1));
    noc.mute();
    noc.until(300);
    expect(noc.alerts()).toEqual([
      'fired@70 link-unreachable',
      'fired@92 agent-silent',
      'blind@92 link-unreachable',
    ]);
  });

  test('heartbeats alone keep it from being silent, and its series become unknown', () => {
    const noc = desk();
    for (let s = 0; s <= 30; s += 5) noc.see(s, round(s));
    noc.until(120);
    expect(noc.alerts()).toEqual([]);
    expect(noc.health(LINK)).toEqual(['up@0', 'unknown@51']);
  });

  test('an agent that was never heard is not silent yet', () => {
    const noc = desk();
    noc.mute();
    noc.until(100);
    expect(noc.alerts()).toEqual([]);
  });

  test('while the collector was away nobody was silent and nothing became stale', () => {
    const noc = desk();
    for (let s = 0; s <= 60; s += 5) noc.see(s, round(s));
    noc.engine.forgive({ now: at(360), position: 1000 });
    noc.facts.push(...noc.engine.tick({ now: at(361), position: 1001 }));
    expect(noc.alerts()).toEqual([]);
    expect(noc.health(LINK)).toEqual(['up@0']);
    for (let s = 362; s < 400; s++)
      noc.facts.push(...noc.engine.tick({ now: at(s), position: 1000 + s }));
    expect(noc.alerts()).toEqual(['fired@372 agent-silent']);
  });

  test('forgiving does not mend an agent that was silent before', () => {
    const noc = desk();
    noc.see(0, round(0));
    noc.mute();
    noc.until(30);
    noc.engine.forgive({ now: at(60), position: 1000 });
    for (let s = 60; s < 90; s++)
      noc.facts.push(...noc.engine.tick({ now: at(s), position: 1000 + s }));
    expect(noc.alerts()).toEqual(['fired@12 agent-silent']);
  });

  test('recorded series without an inventory have no heartbeat, and nobody minds', () => {
    const noc = desk(settings({ inventory: { sites: [], devices: [], links: [], agents: [] } }));
    noc.see(0, round(0));
    noc.until(600);
    expect(noc.alerts()).toEqual([]);
  });
});

describe('the configuration changes', () => {
  const down = (): Noc => {
    const noc = desk();
    for (let s = 0; s < 60; s += 5) noc.see(s, sample(s, 'stamp_loss_ratio', 0, { every: 5 }));
    for (let s = 60; s < 90; s += 5) noc.see(s, sample(s, 'stamp_loss_ratio', 1, { every: 5 }));
    return noc;
  };
  const configured = (noc: Noc, changes: Parameters<typeof settings>[0]): unknown[] =>
    noc.engine.configure(settings(changes), { now: at(90), position: 5000 });

  test('a rule that is removed or switched off resolves its alerts and says why', () => {
    const without = DEFAULT_RULES.filter((rule) => rule.id !== 'link-unreachable');
    const off = DEFAULT_RULES.map((rule) => ({ ...rule, enabled: rule.id !== 'link-unreachable' }));
    for (const rules of [without, off]) {
      expect(configured(down(), { rules })).toEqual([
        {
          kind: 'alert.resolved',
          at: at(90),
          alert: `link-unreachable|${LINK}|lyon-agent`,
          subject: LINK,
          because: { kind: 'configuration', text: 'the rule link-unreachable no longer applies' },
        },
        expect.objectContaining({ kind: 'subject.changed', health: 'up' }),
      ]);
    }
  });

  test('so does a subject that is removed, or that the agent watches no more', () => {
    const gone = { inventory: { ...inventory(), links: [] } };
    const unwatched = { watches: [{ agent: 'lyon-agent', subjects: [DEVICE] }] };
    for (const changes of [gone, unwatched]) {
      expect(configured(down(), changes)).toEqual([
        expect.objectContaining({
          kind: 'alert.resolved',
          because: { kind: 'configuration', text: `${LINK} is no longer watched` },
        }),
        expect.objectContaining({ kind: 'subject.changed', health: 'unknown' }),
      ]);
    }
  });

  test('a rule whose detector stays keeps its state; another severity is for the next alert', () => {
    const noc = down();
    const rules = DEFAULT_RULES.map((rule) => ({ ...rule, severity: 'minor' as const }));
    expect(configured(noc, { rules })).toEqual([]);
    for (let s = 91; s < 120; s += 5) noc.see(s, sample(s, 'stamp_loss_ratio', 0, { every: 5 }));
    expect(noc.alerts()).toEqual(['fired@70 link-unreachable', 'resolved@101 link-unreachable']);
  });

  test('a new rule judges series that nobody judged before', () => {
    const noc = desk();
    const jitter = (s: number): Sample => sample(s, 'stamp_jitter_ms', 90, { every: 5 });
    for (let s = 0; s < 60; s += 5) noc.see(s, jitter(s));
    const [model] = DEFAULT_RULES.filter((rule) => rule.id === 'link-latency');
    if (model?.detector.kind !== 'threshold') throw new Error('link-latency is a threshold');
    const detector = {
      kind: 'threshold',
      metric: 'stamp_jitter_ms',
      over: minutes(1),
      band: { raiseAt: 30, clearAt: 20 },
    } as const;
    configured(noc, { rules: [...DEFAULT_RULES, { ...model, id: 'jitter', detector }] });
    for (let s = 95; s < 200; s += 5) noc.see(s, jitter(s));
    expect(noc.alerts()).toEqual([expect.stringMatching(/^fired@\d+ jitter$/)]);
  });
});
