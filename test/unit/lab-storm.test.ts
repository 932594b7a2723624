import { describe, expect, test } from 'vitest';
import type { Fault } from '../../lab/storm/faults.ts';
import { planStorm, type StormPlan } from '../../lab/storm/plan.ts';
import { record } from '../../lab/storm/recording.ts';
import { type Listener, runStorm, STORM_START } from '../../lab/storm/run.ts';
import { scoreStorm } from '../../lab/storm/score.ts';
import { missingEdges } from '../../lab/storm/story.ts';
import { truthOf } from '../../lab/storm/truth.ts';
import { createWheel } from '../../lab/storm/wheel.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { incidentFact, incidentOf } from '../support/storm-listeners.ts';

interface Heard {
  readonly agent: string;
  readonly at: number;
  readonly samples: readonly Sample[];
}

/** Plays the storm to nobody; what came in, with times from its start. */
function listenTo(plan: StormPlan): Heard[] {
  const heard: Heard[] = [];
  runStorm(plan, {
    heard(agent, samples, at) {
      heard.push({ agent, at: at - STORM_START, samples });
      return [];
    },
    tick: () => [],
  });
  return heard;
}

const deaf: Listener = { heard: () => [], tick: () => [] };

/** A storm of which everything but the faults is random. */
function quiet(seed: number, faults: (plan: StormPlan) => readonly Fault[], lasts = 300_000) {
  const plan = planStorm({ seed, maxBranches: 8 });
  const calm = { ...plan, restarts: [], faults: [], endsAt: lasts };
  return { ...calm, faults: faults(calm) };
}

/** A branch with an agent and one circuit, and what it takes to cut it. */
function lonelyBranch(plan: StormPlan) {
  for (const [number, { agent, nodes }] of plan.network.sites.entries()) {
    const own = plan.network.circuits.filter(({ far }) => nodes.includes(far));
    const [circuit] = own;
    if (agent === undefined || own.length !== 1 || circuit?.edge === undefined) continue;
    if (plan.network.sites[number]?.site.hub) continue;
    return { agent, nodes, circuit, edge: circuit.edge, id: plan.network.agents[agent]?.id ?? '' };
  }
  throw new Error(`storm ${plan.seed} has no lonely branch`);
}

const fault = (kind: Fault['kind'], from: number, until: number, more: Partial<Fault>): Fault => ({
  kind,
  what: kind,
  roots: [],
  effects: [],
  from,
  until,
  ...more,
});

/** Hub and spoke, with a branch that has an agent and hangs on one circuit. */
const LONELY_SEED = 1;

describe('a storm', () => {
  test('is the same again for the same seed, to the last sample', () => {
    const once = record(deaf, {});
    const again = record(deaf, {});
    runStorm(planStorm({ seed: 7, maxBranches: 8 }), once.listener);
    runStorm(planStorm({ seed: 7, maxBranches: 8 }), again.listener);
    expect(once.lines.length).toBeGreaterThan(10_000);
    expect(again.lines).toEqual(once.lines);
  });

  test('differs from seed to seed', () => {
    const plans = [1, 2, 3, 4].map((seed) => planStorm({ seed, maxBranches: 8 }));
    expect(new Set(plans.map((plan) => JSON.stringify(plan.faults))).size).toBe(4);
  });

  test('keeps its promises about size, faults and devices', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { network, faults } = planStorm({ seed, maxBranches: 100 });
      const branches = network.sites.filter(({ site }) => !site.hub);
      expect(branches.length).toBeGreaterThanOrEqual(8);
      expect(faults.length).toBeGreaterThanOrEqual(1);
      expect(faults.length).toBeLessThanOrEqual(5);
      for (const { nodes } of branches) {
        expect(nodes.length).toBeGreaterThanOrEqual(4);
        expect(nodes.length).toBeLessThanOrEqual(40);
      }
    }
  });

  test('tells the engine of about 19 edges in 20, and never of what does not exist', () => {
    let missing = 0;
    let edges = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const plan = planStorm({ seed, maxBranches: 60 });
      missing += missingEdges(plan).length;
      edges += plan.network.devices.filter(({ behind }) => behind !== undefined).length;
      edges += plan.network.circuits.reduce((n, { link }) => n + link.ends.length + 1, 0);
      const known = new Set(plan.network.devices.map(({ id }) => id));
      for (const { behind } of plan.inventory.devices) {
        expect(behind === undefined || known.has(behind)).toBe(true);
      }
    }
    expect(missing / edges).toBeGreaterThan(0.04);
    expect(missing / edges).toBeLessThan(0.06);
  });

  test('brings a round of every target every 5 s, with little loss while all is well', () => {
    const plan = quiet(3, () => [], 120_000);
    const rounds = listenTo(plan)
      .flatMap(({ samples }) => samples)
      .filter(({ series }) => series.metric === 'icmp_loss_ratio');
    const perTarget = rounds.length / plan.targets.echo.length;
    expect(perTarget).toBeGreaterThan(21);
    expect(perTarget).toBeLessThanOrEqual(24);
    const mean = rounds.reduce((sum, { value }) => sum + Number(value), 0) / rounds.length;
    expect(mean).toBeLessThan(0.03);
  });

  test('never delivers to the past, and each agent in its own order', () => {
    const heard = listenTo(planStorm({ seed: 5, maxBranches: 8 }));
    for (let i = 1; i < heard.length; i++) {
      expect(heard[i]?.at).toBeGreaterThanOrEqual(heard[i - 1]?.at ?? 0);
    }
    for (const own of Map.groupBy(heard, ({ agent }) => agent).values()) {
      expect(new Set(own.map(({ at }) => at)).size).toBe(own.length);
    }
  });
});

describe('in a storm', () => {
  test('an agent inside a branch is silent while its circuit is cut, and brings the past later', () => {
    const plan = quiet(LONELY_SEED, (calm) => {
      const { edge } = lonelyBranch(calm);
      return [fault('circuit-cut', 60_000, 160_000, { effects: [{ kind: 'edge-down', edge }] })];
    });
    const { id } = lonelyBranch(plan);
    const own = listenTo(plan).filter(({ agent }) => agent === id);
    // What was under way when the circuit went may still come in.
    const during = own.filter(({ at }) => at > 66_000 && at < 160_000);
    expect(during).toEqual([]);
    const late = own
      .filter(({ at }) => at >= 160_000)
      .flatMap(({ samples }) => samples)
      .filter(({ at }) => at - STORM_START > 70_000 && at - STORM_START < 150_000);
    expect(late.length).toBeGreaterThan(100);
  });

  test('ten lost echoes confirm within 7 s that a device is off', () => {
    const plan = quiet(LONELY_SEED, (calm) => {
      const node = lonelyBranch(calm).nodes.at(-1) ?? -1;
      return [fault('device-off', 60_000, 160_000, { effects: [{ kind: 'node-down', node }] })];
    });
    const { nodes } = lonelyBranch(plan);
    const subject = `device:${plan.network.nodes[nodes.at(-1) ?? -1]?.id}`;
    const first = listenTo(plan).find(({ samples }) =>
      samples.some(
        ({ series, value }) =>
          series.subject === subject && series.metric === 'icmp_confirm_loss_ratio' && value === 1,
      ),
    );
    expect(first?.at).toBeGreaterThan(60_000);
    expect(first?.at).toBeLessThan(67_500);
  });

  test('a question of the engine is answered by a burst', () => {
    const plan = quiet(LONELY_SEED, () => [], 60_000);
    const { id, nodes } = lonelyBranch(plan);
    const subject = `device:${plan.network.nodes[nodes[1] ?? -1]?.id}` as const;
    const bursts: number[] = [];
    runStorm(plan, {
      heard(_, samples, at) {
        for (const { series } of samples) {
          const isBurst = series.metric === 'icmp_confirm_loss_ratio' && series.subject === subject;
          if (isBurst && series.agent === id) bursts.push(at - STORM_START);
        }
        return [];
      },
      tick: (at) =>
        at !== STORM_START + 30_000
          ? []
          : [
              {
                kind: 'confirm.requested',
                at: at as never,
                agent: id,
                subject,
                until: at as never,
              },
            ],
    });
    expect(bursts.some((at) => at > 31_000 && at < 40_000)).toBe(true);
  });
});

describe('the truth about a storm', () => {
  test('a switch that dies behind a cut circuit shows only when the circuit is back', () => {
    const plan = quiet(LONELY_SEED, (calm) => {
      const { edge, nodes } = lonelyBranch(calm);
      const node = nodes[2] ?? -1;
      return [
        fault('circuit-cut', 60_000, 160_000, { effects: [{ kind: 'edge-down', edge }] }),
        fault('device-off', 90_000, 240_000, { effects: [{ kind: 'node-down', node }] }),
      ];
    });
    const [cut, off] = truthOf(plan);
    expect(cut?.shownFrom).toBe(60_000);
    expect(off?.shownFrom).toBe(160_000);
  });

  test('a switch that dies and comes back behind a cut circuit never shows', () => {
    const plan = quiet(LONELY_SEED, (calm) => {
      const { edge, nodes } = lonelyBranch(calm);
      const node = nodes[2] ?? -1;
      return [
        fault('circuit-cut', 60_000, 160_000, { effects: [{ kind: 'edge-down', edge }] }),
        fault('device-off', 90_000, 140_000, { effects: [{ kind: 'node-down', node }] }),
      ];
    });
    expect(truthOf(plan)[1]?.shownFrom).toBeUndefined();
  });

  test('a branch that hangs on one circuit cannot be told from its circuit', () => {
    const plan = quiet(LONELY_SEED, (calm) => {
      const { edge } = lonelyBranch(calm);
      return [fault('circuit-cut', 60_000, 160_000, { effects: [{ kind: 'edge-down', edge }] })];
    });
    const { circuit } = lonelyBranch(plan);
    const roots = truthOf(plan)[0]?.roots;
    expect(roots?.has(`link:${circuit.link.id}`)).toBe(true);
    expect(roots?.has(`site:${circuit.link.site}`)).toBe(true);
  });
});

describe('the score of a storm', () => {
  const plan = quiet(LONELY_SEED, (calm) => {
    const { edge, circuit } = lonelyBranch(calm);
    return [
      fault('circuit-cut', 60_000, 160_000, {
        roots: [`link:${circuit.link.id}`],
        effects: [{ kind: 'edge-down', edge }],
      }),
    ];
  });
  const truths = truthOf(plan);
  const { circuit, nodes } = lonelyBranch(plan);
  const link = `link:${circuit.link.id}` as const;
  const view = incidentOf('i-1', link, 63_000);
  const opened = incidentFact('incident.opened', 63_000, view);
  const resolved = incidentFact('incident.resolved', 172_000, view, { state: 'resolved' });

  test('one ticket with the right root is all there should be', () => {
    const score = scoreStorm(truths, [opened, resolved]);
    expect(score).toMatchObject({ tickets: 1, deserved: 1, unexplained: 0, onRecovery: 0 });
    expect(score.faults[0]).toMatchObject({ isFound: true, isRight: true, rightAfterMs: 3_000 });
    expect(score.wrongs).toEqual([]);
  });

  test('silence is a missed fault', () => {
    const score = scoreStorm(truths, []);
    expect(score.faults[0]).toMatchObject({ isShown: true, isFound: false });
    expect(score.wrongs[0]).toMatch(/^missed: circuit-cut/);
  });

  test('a ticket that is merged away later still counts', () => {
    const device = `device:${plan.network.nodes[nodes[1] ?? -1]?.id}` as const;
    const child = incidentOf('i-2', device, 62_000);
    const merged = incidentFact('incident.merged', 64_000, child, { state: 'resolved' });
    const score = scoreStorm(truths, [
      incidentFact('incident.opened', 62_000, child),
      opened,
      merged,
      resolved,
    ]);
    expect(score.tickets).toBe(2);
    expect(score.faults[0]).toMatchObject({ isRight: true, surplus: 1 });
  });

  test('a ticket that opens when the circuit is back is one on recovery', () => {
    const device = `device:${plan.network.nodes[nodes[1] ?? -1]?.id}` as const;
    const second = incidentFact('incident.opened', 165_000, incidentOf('i-2', device, 165_000));
    expect(scoreStorm(truths, [opened, second, resolved]).onRecovery).toBe(1);
  });

  test('a ticket about something that was never touched is explained by nothing', () => {
    const stranger = incidentOf('i-2', 'device:elsewhere', 100_000);
    const score = scoreStorm(truths, [opened, incidentFact('incident.opened', 100_000, stranger)]);
    expect(score.unexplained).toBe(1);
  });

  test('a root that was right only for a while is a wrong root', () => {
    const later = incidentFact('incident.updated', 80_000, {
      ...view,
      subject: 'device:elsewhere',
      root: { ...view.root, subject: 'device:elsewhere' },
    });
    const score = scoreStorm(truths, [opened, later, resolved]);
    expect(score.faults[0]).toMatchObject({ isFound: true, isRight: false });
  });

  test('one ticket is not the ticket of two faults', () => {
    const [first] = truths;
    if (first === undefined) throw new Error('no fault');
    const other = { ...first, roots: new Set(['device:other']), footprint: first.footprint };
    const score = scoreStorm([first, other], [opened, resolved]);
    expect(score.faults.filter(({ isFound }) => isFound)).toHaveLength(1);
  });
});

test('the wheel hands over what is due, in order, and refuses what is too far ahead', () => {
  const wheel = createWheel();
  wheel.put(2, 1, 10);
  wheel.put(1, 1, 11);
  wheel.put(2, 2, 12);
  const taken: number[] = [];
  const take = (_: number, index: number): void => void taken.push(index);
  wheel.turn(take);
  wheel.turn(take);
  expect(taken).toEqual([11, 10, 12]);
  expect(() => wheel.put(1_024, 0, 0)).toThrow(RangeError);
  expect(() => wheel.put(0, 0, 0)).toThrow(RangeError);
});
