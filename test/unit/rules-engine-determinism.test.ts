import { expect, test } from 'vitest';
import { createDrive } from '../../cli/replay-drive.ts';
import { ndjsonReader } from '../../cli/replay-lines.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { createRun, type Run, START } from '../support/scenario-run.ts';

const settings: EngineSettings = {
  installation: 'test',
  ...hubAndBranches([
    { id: 'lyon', switches: 2, overlay: true },
    { id: 'nice', switches: 1 },
  ]),
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
};

/** A cut, a loss, a dead switch, a reboot, a stopped agent and a server that was away. */
function tell(seed: number, between: (run: Run) => void = () => {}): Run {
  const run = createRun(settings, seed);
  const chapters: readonly (readonly [number, (run: Run) => void])[] = [
    [30, ({ world }) => Object.assign(world.link('lyon-mpls'), { isCut: true })],
    [40, ({ world }) => Object.assign(world.device('nice-sw1'), { isDead: true })],
    [120, ({ world }) => Object.assign(world.link('lyon-mpls'), { isCut: false, loss: 0.3 })],
    [200, (one) => one.boot('nice-sw1')],
    [240, ({ world }) => world.stopped.add('a-nice')],
    [300, ({ world }) => Object.assign(world.collector, { isRunning: false })],
    [330, (one) => one.startServer()],
    [400, () => {}],
  ];
  for (let second = 10; second <= 400; second += 10) {
    run.until(START + second * 1000);
    for (const [at, act] of chapters) if (at === second) act(run);
    between(run);
  }
  return run;
}

test('an engine restarted from its snapshot every ten seconds says the same as one that ran on', () => {
  const one = tell(1);
  const other = tell(1, (run) => run.restart());
  expect(one.incidents().length).toBeGreaterThan(2);
  expect(other.facts).toEqual(one.facts);
});

test('a recording replayed gives the same facts as live', () => {
  const live = tell(2);
  const facts: Fact[] = [];
  const drive = createDrive(createEngine(settings), (more) => facts.push(...more));
  const read = ndjsonReader({ agentFor: () => 'none' });
  for (const line of live.recording) drive.take(read(line));
  drive.end();
  expect(facts).toEqual(live.facts);
});

test('the order in which sites first spoke does not change what is told', () => {
  const heardFirst = (order: readonly string[]): Fact[] => {
    const engine = createEngine(settings);
    const at = (now: number) => ({ now: epochMs(START + now), position: 1 + now });
    for (const agent of order) engine.heard(agent, at(0));
    return [...engine.tick(at(13_000)), ...engine.tick(at(40_000))];
  };
  const facts = heardFirst(['a-hub', 'a-lyon', 'a-nice']);
  expect(facts.some((fact) => fact.kind === 'incident.opened')).toBe(true);
  expect(heardFirst(['a-nice', 'a-lyon', 'a-hub'])).toEqual(facts);
});

test('agents without a place are judged, each for itself', () => {
  const bare = { ...settings, inventory: { sites: [], devices: [], links: [], agents: [] } };
  const engine = createEngine({ ...bare, watches: [] });
  const facts: Fact[] = [];
  for (let round = 0; round < 5; round++) {
    const now = epochMs(START + round * 5000);
    const series = { metric: 'icmp_loss_ratio', subject: 'link:x', agent: 'anybody' } as const;
    const samples = [{ series, at: now, value: round === 0 ? 0 : 1 }];
    const at = { now, position: round + 1 };
    facts.push(...engine.observe({ agent: 'anybody', lane: 'live', samples }, at));
  }
  expect(facts.find((fact) => fact.kind === 'incident.opened')).toMatchObject({
    incident: 'inc-test-4',
    view: { subject: 'link:x', root: { cause: 'circuit down' } },
  });
});

test('a snapshot of another version is refused', () => {
  expect(() => createEngine(settings, { v: 2, sites: [], network: undefined })).toThrow('snapshot');
});
