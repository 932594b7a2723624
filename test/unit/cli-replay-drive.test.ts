import { expect, test } from 'vitest';
import { createDrive } from '../../cli/replay-drive.ts';
import { ndjsonReader } from '../../cli/replay-lines.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import { EMPTY_INVENTORY } from '../../protocol/model/inventory.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { Engine, Instant } from '../../rules/contract.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';

/** What an engine was asked, in words: call, position, and how many samples. */
function driven(lines: readonly object[]): string[] {
  const calls: string[] = [];
  const note = (call: string, at: Instant, more = ''): [] => {
    calls.push(`${call} #${at.position}${more}`);
    return [];
  };
  const engine: Engine = {
    configure: (_, at) => note('configure', at),
    observe: (batch, at) => note('observe', at, ` ${batch.agent} ${batch.samples.length}`),
    heard: (agent, at) => note('heard', at, ` ${agent}`),
    tick: (at) => note('tick', at),
    quietUntil: () => epochMs(0),
    apply: (command, at) => note(command.kind, at),
    snapshot: () => undefined,
    snapshotText: () => [],
  };
  const drive = createDrive(engine, () => undefined);
  const read = ndjsonReader({ agentFor: () => 'nobody' });
  for (const line of lines) drive.take(read(JSON.stringify(line)));
  drive.end();
  return calls;
}

const sample = (at: number, agent: string) => ({
  at,
  metric: 'icmp_rtt_ms',
  subject: 'link:lyon',
  agent,
  receivedAt: 5000,
  value: 18,
});

test('a recorded batch is one input at the position it had, even beside another of the same millisecond', () => {
  const calls = driven([
    { at: 5000, position: 40, tick: true },
    { at: 5000, position: 41, heartbeat: 'a' },
    sample(4000, 'a'),
    sample(4500, 'a'),
    { at: 5000, position: 42, heartbeat: 'a' },
    sample(3000, 'a'),
    { at: 5000, position: 43, heartbeat: 'b' },
    { at: 5000, position: 47, command: { kind: 'server-started' } },
  ]);
  expect(calls).toEqual([
    'tick #40',
    'heard #41 a',
    'observe #41 a 2',
    'heard #42 a',
    'observe #42 a 1',
    'heard #43 b',
    'server-started #47',
  ]);
});

test('a log whose first record is no tick gets none that it did not have', () => {
  const calls = driven([
    { at: 5000, position: 7, heartbeat: 'a' },
    { at: 8000, position: 9, tick: true },
  ]);
  expect(calls).toEqual(['heard #7 a', 'tick #9']);
});

test('lines without a position are counted on; a position that was passed is not gone back to', () => {
  const calls = driven([
    { at: 5000, position: 7, tick: true },
    sample(5000, 'a'),
    { at: 5000, position: 3, heartbeat: 'b' },
    sample(5000, 'c'),
  ]);
  expect(calls).toEqual([
    'tick #7',
    'heard #8 a',
    'observe #8 a 1',
    'heard #9 b',
    'heard #10 c',
    'observe #10 c 1',
  ]);
});

test.each([0, -1, 1.5, '7', 1e300, null])('the position %j is refused', (position) => {
  expect(() => driven([{ at: 1, position, tick: true }])).toThrow('"position" must be');
});

const isIn = (second: number, from: number, to: number): boolean => second > from && second < to;

/** One poll: an outage, a slow stretch, a busy device and a hole in their time. */
function story(second: number): object[] {
  if (isIn(second, 30_000, 33_000)) return [];
  const isDown = isIn(second, 10_000, 12_000);
  const line = (subject: string, metric: string, value: number) => ({
    at: second * 1000,
    metric,
    subject,
    value,
  });
  return [
    line('link:lyon', 'icmp_loss_ratio', Number(isDown)),
    ...(isDown ? [] : [line('link:lyon', 'icmp_rtt_ms', second > 20_000 ? 90 : 20 + (second % 7))]),
    line('device:nice', 'device_cpu_ratio', isIn(second, 15_000, 25_000) ? 0.99 : 0.2),
  ];
}

/** Facts of polls every `every` seconds with an outage, slow hours and a hole, with or without the leaps. */
function told(every: number, leaps: boolean): Fact[] {
  const engine = createEngine({
    installation: 'leaps',
    inventory: EMPTY_INVENTORY,
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
    watches: [],
  });
  const facts: Fact[] = [];
  const asked: Engine = leaps ? engine : { ...engine, quietUntil: () => epochMs(0) };
  const drive = createDrive(asked, (some) => facts.push(...some));
  const read = ndjsonReader({ agentFor: () => 'a' });
  for (let second = 0; second < 40_000; second += every) {
    for (const line of story(second)) drive.take(read(JSON.stringify(line)));
  }
  drive.end();
  return facts;
}

test.each([5, 60, 240])(
  'leaping over idle seconds tells the same, with the same ids (every %i s)',
  (every) => {
    const facts = told(every, true);
    expect(facts.some(({ kind }) => kind === 'incident.resolved')).toBe(true);
    expect(facts).toEqual(told(every, false));
  },
);
