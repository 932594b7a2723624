import { beforeAll, describe, expect, test } from 'vitest';
import { add, createTally, type Tally } from '../../bench/support-storm-figures.ts';
import { engineListener, judgeStorm, settingsOf } from '../../bench/support-storm-run.ts';
import { createDrive } from '../../cli/replay-drive.ts';
import { factLine, isTold } from '../../cli/replay-facts.ts';
import { ndjsonReader } from '../../cli/replay-lines.ts';
import { planStorm, type StormPlan } from '../../lab/storm/plan.ts';
import { record } from '../../lab/storm/recording.ts';
import { type Listener, runStorm, STORM_START } from '../../lab/storm/run.ts';
import { scoreStorm } from '../../lab/storm/score.ts';
import { truthOf } from '../../lab/storm/truth.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import { EMPTY_INVENTORY } from '../../protocol/model/inventory.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import { incidentFact, incidentOf } from '../support/storm-listeners.ts';

/** Ratchets: what the engine keeps today. The goals are 1.05, 0, 0.95 and 0 (docs/benchmarks.md). */
const LIMITS = { ticketsPerFault: 1.02, missed: 0, rightShare: 0.98, onRecovery: 1 };

interface NamedStorm {
  readonly name: string;
  readonly seed: number;
  readonly maxBranches: number;
}

/** What each cost when it was first told is in its name. */
const NAMED: readonly NamedStorm[] = [
  {
    name: 'a point of presence with ten circuits, congestion, one circuit more: 15 tickets for 3',
    seed: 56,
    maxBranches: 100,
  },
  {
    name: 'a point of presence takes twelve circuits of four rings: 9 tickets too many',
    seed: 47,
    maxBranches: 100,
  },
  {
    name: 'a branch loses its edge, another its power: ten circuits blamed',
    seed: 50,
    maxBranches: 100,
  },
  {
    name: 'both ways round a ring are cut one after the other, a device and an agent die between',
    seed: 52,
    maxBranches: 100,
  },
  {
    name: 'a ring is cut while an agent in it is stopped: the routers that turn round are no fault',
    seed: 6,
    maxBranches: 100,
  },
  {
    name: 'a member of a ring loses its power: neither its circuits nor its neighbours failed',
    seed: 18,
    maxBranches: 100,
  },
  {
    name: 'the router of a ring dies, then a switch elsewhere',
    seed: 22,
    maxBranches: 100,
  },
  {
    name: 'one circuit of a branch loses packets, the other is cut 9 s later',
    seed: 31,
    maxBranches: 100,
  },
  {
    name: 'two branches with two circuits each lose their power within 33 s',
    seed: 14,
    maxBranches: 100,
  },
  {
    name: 'two circuits fail over within 3 s: the devices behind them were only unreachable meanwhile',
    seed: 23,
    maxBranches: 100,
  },
  {
    name: 'an interface and a site within a second, two hubs: 7 tickets too many',
    seed: 5,
    maxBranches: 100,
  },
  {
    name: 'a circuit is cut beside a point of presence that has just failed: two faults, not a provider outage',
    seed: 571,
    maxBranches: 100,
  },
  {
    name: 'a circuit is cut inside an outage of its point of presence and stays down when that is over',
    seed: 616,
    maxBranches: 100,
  },
  {
    name: 'a hub router and a point of presence at once: six branch routers blamed',
    seed: 61,
    maxBranches: 100,
  },
  {
    name: 'two cuts of one ring isolate two sites: the circuit in between goes with them',
    seed: 2060,
    maxBranches: 100,
  },
  {
    name: 'a ring is cut twice, and what looked like a router turns out to be its circuit',
    seed: 568,
    maxBranches: 100,
  },
  {
    name: 'one of two routers of a branch dies: its circuit is no fault of its own',
    seed: 3063,
    maxBranches: 100,
  },
  {
    name: 'a router dies within 3 s of a point of presence, and both come back: 2 tickets too many',
    seed: 3005,
    maxBranches: 100,
  },
  {
    name: 'the circuit in the middle of a ring is slow because one nearer is full',
    seed: 545,
    maxBranches: 100,
  },
  {
    name: 'a full line whose port the inventory does not know',
    seed: 137,
    maxBranches: 100,
  },
  {
    name: 'a switch between two routers dies: what one agent still reaches is not down',
    seed: 4027,
    maxBranches: 100,
  },
  {
    name: 'a circuit of a ring loses packets, and ten seconds later the next one is cut',
    seed: 976,
    maxBranches: 100,
  },
  {
    name: 'a circuit of a ring loses packets for two minutes before the hub router dies',
    seed: 396,
    maxBranches: 100,
  },
  {
    name: 'a site loses its power, one of its circuits is cut meanwhile and outlasts that',
    seed: 238,
    maxBranches: 100,
  },
  {
    name: 'the hub router dies seven seconds after a point of presence, and is back later',
    seed: 225,
    maxBranches: 100,
  },
  {
    name: 'a circuit is mended, and a moment later its point of presence fails',
    seed: 574,
    maxBranches: 100,
  },
  {
    name: 'two points of presence of one carrier fail seven seconds apart, a third works on',
    seed: 311,
    maxBranches: 100,
  },
  {
    name: 'a site between two cut circuits: one of the two ways is back for six seconds',
    seed: 268,
    maxBranches: 100,
  },
  {
    name: 'agents behind a point of presence come back one by one: the collector was never cut off',
    seed: 320,
    maxBranches: 100,
  },
  {
    name: 'a router dies behind its cut circuit: one outage to everybody',
    seed: 382,
    maxBranches: 100,
  },
  {
    name: 'a circuit of a ring loses packets while its site has no power: one ticket for both',
    seed: 893,
    maxBranches: 2_000,
  },
  {
    name: 'a site loses its power inside the outage of its point of presence: never told',
    seed: 421,
    maxBranches: 2_000,
  },
  {
    name: 'a circuit is cut while its router is dead for less than a minute: one ticket for both',
    seed: 530,
    maxBranches: 100,
  },
  {
    name: 'an agent stops 45 s before its site loses its power: one ticket for both',
    seed: 6_160,
    maxBranches: 100,
  },
  {
    name: 'a circuit is cut and the hub agent stops: the view of the agent behind it was not believed',
    seed: 6_207,
    maxBranches: 100,
  },
  {
    name: 'a router whose SNMP stopped is cut off and back: its silence waited for a fault elsewhere',
    seed: 6_266,
    maxBranches: 100,
  },
  {
    name: 'two circuits outlast their point of presence: told too late',
    seed: 8_055,
    maxBranches: 100,
  },
  {
    name: 'loss seen round a ring whose hub router is dead: a ticket for the circuit behind it',
    seed: 316,
    maxBranches: 100,
  },
  {
    name: 'two circuits lose packets for a moment while their ring turns round: told for minutes',
    seed: 20_343,
    maxBranches: 60,
  },
  {
    name: 'a full line while the hub agent was stopped: its load waited four minutes',
    seed: 20_421,
    maxBranches: 60,
  },
  {
    name: 'two points of presence, and a router that dies in between: never told',
    seed: 20_375,
    maxBranches: 60,
  },
  {
    name: 'a circuit is cut four seconds before a point of presence fails: taken for its lead',
    seed: 20_506,
    maxBranches: 60,
  },
  {
    name: 'a site without power outlasts a point of presence: a second ticket as the power returned',
    seed: 269,
    maxBranches: 2_000,
  },
  {
    name: 'a site loses its power behind a point of presence: told as one circuit',
    seed: 527,
    maxBranches: 2_000,
  },
  {
    name: 'loss goes on after a hub router is back: told again half a minute after its end',
    seed: 419,
    maxBranches: 2_000,
  },
];

const STORMS = 50;
/** A machine that is busy with other tests needs several times the 25 s of an idle one. */
const PATIENCE = 300_000;
const MAX_BRANCHES = 40;

/** Plays storms 1 to 50 and adds up what became of them. */
function play(listener?: (plan: StormPlan) => Listener): { tally: Tally; wrongs: string[] } {
  const tally = createTally();
  const wrongs: string[] = [];
  for (let seed = 1; seed <= STORMS; seed++) {
    const { score, result } = judgeStorm({ seed, maxBranches: MAX_BRANCHES }, listener);
    add(tally, score, result);
    wrongs.push(...score.wrongs.map((wrong) => `seed ${seed}: ${wrong}`));
  }
  return { tally, wrongs };
}

const missedOf = ({ faults }: Tally): number =>
  faults.filter(({ isShown, isFound }) => isShown && !isFound).length;

const rightShareOf = ({ faults }: Tally): number => {
  const shown = faults.filter(({ isShown }) => isShown);
  return shown.filter(({ isRight }) => isRight).length / shown.length;
};

describe('fifty storms', () => {
  let played: ReturnType<typeof play>;
  beforeAll(() => {
    played = play();
  }, PATIENCE);

  const explained = (): string => played.wrongs.join('\n');

  test('cost hardly more than one ticket a fault', () => {
    const { tickets, deserved } = played.tally;
    expect(tickets / deserved, explained()).toBeLessThanOrEqual(LIMITS.ticketsPerFault);
  });

  test('hide no fault that shows', () => {
    expect(missedOf(played.tally), explained()).toBeLessThanOrEqual(LIMITS.missed);
  });

  test('are traced to their roots', () => {
    expect(rightShareOf(played.tally), explained()).toBeGreaterThanOrEqual(LIMITS.rightShare);
  });

  test('bring no second wave when all is mended', () => {
    expect(played.tally.onRecovery, explained()).toBeLessThanOrEqual(LIMITS.onRecovery);
  });
});

describe('storms are not passed', () => {
  const few = 8;

  function failures(listener: (plan: StormPlan) => Listener) {
    const tally = createTally();
    for (let seed = 1; seed <= few; seed++) {
      const { score, result } = judgeStorm({ seed, maxBranches: 10 }, listener);
      add(tally, score, result);
    }
    return tally;
  }

  test(
    'by an engine that never opens anything',
    () => {
      const tally = failures(() => ({ heard: () => [], tick: () => [] }));
      expect(missedOf(tally)).toBe(tally.faults.filter(({ isShown }) => isShown).length);
      expect(rightShareOf(tally)).toBe(0);
    },
    PATIENCE,
  );

  test(
    'by an engine with one ticket for everything',
    () => {
      const tally = failures(() => {
        let isOpen = false;
        return {
          tick: () => [],
          heard(_, samples, at) {
            const lost = samples.find(
              ({ series, value }) => series.metric === 'icmp_confirm_loss_ratio' && value === 1,
            );
            if (lost === undefined || isOpen) return [];
            isOpen = true;
            const since = at - STORM_START;
            const view = incidentOf('all', lost.series.subject, since);
            return [incidentFact('incident.opened', since, view)];
          },
        };
      });
      expect(missedOf(tally)).toBeGreaterThan(0);
      expect(rightShareOf(tally)).toBeLessThan(0.5);
    },
    PATIENCE,
  );

  test(
    'by an engine with a ticket for every alert',
    () => {
      const tally = failures((plan) => {
        const engine = engineListener(settingsOf(plan));
        let count = 0;
        const each = (facts: readonly Fact[]): Fact[] =>
          facts.flatMap((fact) => {
            if (fact.kind === 'confirm.requested') return fact;
            if (fact.kind !== 'alert.fired') return [];
            count += 1;
            const view = incidentOf(`i-${count}`, fact.alert.subject, fact.at - STORM_START);
            return incidentFact('incident.opened', fact.at - STORM_START, view);
          });
        return {
          heard: (agent, samples, at, lane) => each(engine.heard(agent, samples, at, lane)),
          tick: (at) => each(engine.tick(at)),
        };
      });
      expect(tally.tickets / tally.deserved).toBeGreaterThan(3);
    },
    PATIENCE,
  );
});

test(
  'a recorded storm gives the same facts when it is replayed',
  () => {
    const plan = planStorm({ seed: 4, maxBranches: 10 });
    const settings = settingsOf(plan);
    const recording = record(engineListener(settings), settings);
    const { facts } = runStorm(plan, recording.listener);
    const replayed: Fact[] = [];
    const nothing = { inventory: EMPTY_INVENTORY, rules: DEFAULT_RULES, timing: DEFAULT_TIMING };
    const engine = createEngine({ installation: 'replay', watches: [], ...nothing });
    const drive = createDrive(engine, (told) => replayed.push(...told));
    const read = ndjsonReader({ agentFor: () => 'nobody' });
    for (const line of recording.lines) drive.take(read(line));
    drive.end();
    const live = facts.filter(isTold).map(factLine);
    expect(live.length).toBeGreaterThan(20);
    expect(replayed.filter(isTold).map(factLine)).toEqual(live);
  },
  PATIENCE,
);

/** Storms that went wrong once, and what each is about; whoever breaks one reads what it was. */
describe('a storm that was bad once', () => {
  test.each(NAMED)(
    '$name',
    ({ seed, maxBranches }) => {
      const plan = planStorm({ seed, maxBranches });
      const result = runStorm(plan, engineListener(settingsOf(plan)));
      expect(scoreStorm(truthOf(plan), result.facts).wrongs).toEqual([]);
    },
    PATIENCE,
  );
});
