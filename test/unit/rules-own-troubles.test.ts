import { expect, test } from 'vitest';
import type { Command } from '../../protocol/model/command.ts';
import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import { epochMs, seconds } from '../../protocol/model/units.ts';
import type { Engine } from '../../rules/contract.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';

const T0 = 1_800_000_000_000;
const SETTINGS: EngineSettings = {
  installation: 'test',
  inventory: {
    sites: [{ id: 'hub', name: 'Hub', users: 10, hub: true }],
    devices: [],
    links: [],
    agents: [{ id: 'agent-1', site: 'hub' }],
  },
  rules: [],
  timing: DEFAULT_TIMING,
  watches: [],
};
const STOPPED: Command = {
  kind: 'own-trouble',
  trouble: 'history-stopped',
  since: epochMs(T0 - 500),
  text: 'the disk is nearly full',
};
const OVER: Command = {
  kind: 'own-trouble-over',
  trouble: 'history-stopped',
  text: 'it can be written again',
};

/** An engine and a clock: each input comes a second after the one before. */
function ride(engine: Engine, from = 0) {
  let position = from;
  const at = () => {
    position += 1;
    return { now: epochMs(T0 + position * 1000), position };
  };
  const incidents = (facts: readonly Fact[]) => facts.filter(isIncidentFact);
  return {
    tell: (command: Command) => incidents(engine.apply(command, at())),
    all: (command: Command) => engine.apply(command, at()),
    ticks(count: number) {
      return Array.from({ length: count }, () => incidents(engine.tick(at()))).flat();
    },
    position: () => position,
  };
}

function started() {
  const engine = createEngine(SETTINGS);
  engine.configure(SETTINGS, { now: epochMs(T0), position: 0 });
  return engine;
}

test('a stopped history is one incident about Vedette itself, with a name, a cause and what to do', () => {
  const story = ride(started());
  const facts = [...story.tell(STOPPED), ...story.ticks(30)];
  expect(facts.map(({ kind }) => kind)).toEqual(['incident.opened']);
  expect(facts[0]!.view).toMatchObject({
    title: 'History stopped on vedette',
    subject: 'service:vedette',
    priority: 3,
    severity: 'critical',
    onsetAt: T0 - 500,
    root: { cause: 'history stopped' },
  });
  expect(facts[0]!.view.advice.join(' ')).toContain('runbook');
  expect(JSON.stringify(facts[0]!.view.because)).toContain('the disk is nearly full');
});

test('told again it changes nothing; over, it resolves once', () => {
  const story = ride(started());
  story.tell(STOPPED);
  expect(story.all(STOPPED)).toEqual([]);
  const ended = [...story.tell(OVER), ...story.ticks(60)];
  expect(ended.filter(({ kind }) => kind === 'incident.resolved')).toHaveLength(1);
  expect(story.all(OVER)).toEqual([]);
});

test('what is over without having begun, or is of no known kind, is nothing', () => {
  const story = ride(started());
  expect(story.all(OVER)).toEqual([]);
  expect(story.all({ ...STOPPED, trouble: 'toString' } as never)).toEqual([]);
});

test('an engine that goes on from a snapshot tells the same, and forgets nothing', () => {
  const whole = ride(started());
  const first = started();
  const before = ride(first);
  expect(before.tell(STOPPED)).toEqual(whole.tell(STOPPED));
  const snapshot: unknown = JSON.parse(JSON.stringify(first.snapshot()));
  const after = ride(createEngine(SETTINGS, snapshot), before.position());
  expect(after.all(STOPPED)).toEqual([]);
  whole.all(STOPPED);
  expect([...after.tell(OVER), ...after.ticks(seconds(1) / 10)]).toEqual([
    ...whole.tell(OVER),
    ...whole.ticks(seconds(1) / 10),
  ]);
});

test('a change of the configuration leaves it open', () => {
  const engine = started();
  const story = ride(engine);
  story.tell(STOPPED);
  const facts = engine.configure(
    { ...SETTINGS, installation: 'test' },
    { now: epochMs(T0 + 9000), position: 9 },
  );
  expect(facts.filter(isIncidentFact).map(({ kind }) => kind)).not.toContain('incident.resolved');
});
