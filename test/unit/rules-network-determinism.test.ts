import { expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import {
  answers,
  clears,
  fires,
  settingsFor,
  silent,
  T0,
  type Told,
  tell,
} from '../support/network-facts.ts';

const BRANCHES = 30;
const network = hubAndBranches([
  { id: 'lyon', switches: 3, otherLinks: ['inet'], overlay: true },
  ...Array.from({ length: BRANCHES }, (_, n) => ({ id: `b${n}`, switches: 1 })),
]);
const LYON = 'link:lyon-mpls';
const INET = 'link:lyon-inet';
const NEAR = answers('device:hub-r1', 'a-hub');

const idOf = (story: Told, subject: string): string =>
  story.open().find((one) => one.subject === subject)?.id ?? '';

/** A step of the story, and the second at which it happens. */
type Step = readonly [number, (story: Told, second: number) => unknown];

const dies = (n: number): Step => [
  200 + n,
  (story, second) =>
    story.at(
      second,
      fires('unreachable', `device:b${n}-sw1`, `a-b${n}`),
      answers(`device:b${n}-r1`, `a-b${n}`),
    ),
];

/** People's words, announced work and a storm, each while the others are under way. */
const STEPS: readonly Step[] = [
  [2, (story, at) => story.at(at, fires('unreachable', LYON, 'a-hub'), NEAR)],
  [15, (story, at) => story.at(at, fires('unreachable', INET, 'a-hub'), NEAR)],
  [5, (story, at) => story.at(at, fires('unreachable', 'device:lyon-sw1', 'a-hub'))],
  [6, (story, at) => story.at(at, fires('unreachable', 'device:lyon-sw2', 'a-hub'))],
  [7, (story, at) => story.at(at, silent('a-lyon'))],
  [9, (story, at) => story.at(at, fires('loss', 'link:lyon-vpn', 'a-hub'))],
  [
    30,
    (story, at) =>
      story.command(at, { kind: 'take-over', incident: idOf(story, LYON), by: 'ada', note: 'me' }),
  ],
  [
    40,
    (story, at) =>
      story.command(at, {
        kind: 'merge',
        incident: idOf(story, INET),
        into: idOf(story, LYON),
        by: 'ada',
      }),
  ],
  [
    50,
    (story, at) =>
      story.command(at, {
        kind: 'split',
        incident: story.open()[0]?.id ?? '',
        alert: 'unreachable|device:lyon-sw1|a-hub',
        by: 'bob',
      }),
  ],
  [
    60,
    (story, at) =>
      story.command(at, {
        kind: 'not-the-cause',
        incident: story.open()[0]?.id ?? '',
        alert: story.open()[0]?.root.alert ?? 'unreachable|link:lyon-mpls|a-hub',
        by: 'ada',
      }),
  ],
  [90, (story, at) => story.at(at, fires('unreachable', 'link:b28-mpls', 'a-hub'), NEAR)],
  [95, (story, at) => story.at(at, fires('unreachable', 'device:b28-sw1', 'a-hub'))],
  [150, (story, at) => story.at(at, clears('unreachable', LYON, 'a-hub'))],
  ...Array.from({ length: 25 }, (_, n) => dies(n)),
  [
    230,
    (story, at) =>
      story.command(at, {
        kind: 'split',
        incident: story.open().find(({ root }) => root.cause.startsWith('many'))?.id ?? '',
        alert: 'unreachable|device:b3-sw1|a-b3',
        by: 'ada',
      }),
  ],
  [260, (story, at) => story.at(at, clears('unreachable', 'device:b0-sw1', 'a-b0'))],
  [300, (story, at) => story.at(at, clears('unreachable', INET, 'a-hub'))],
  [310, (story, at) => story.at(at, clears('unreachable', 'device:b3-sw1', 'a-b3'))],
];

function play(between: (story: Told, second: number) => void = () => {}): Told {
  const story = tell(network);
  const settings = settingsFor(network);
  const window = {
    id: 'work',
    name: 'new fibre',
    subjects: ['link:b28-mpls', 'device:b5-sw1'] as const,
    from: epochMs(T0 + 80_000),
    until: epochMs(T0 + 350_000),
    reason: 'test',
  };
  story.configure({ ...settings, maintenance: [window] });
  for (let second = 1; second <= 420; second++) {
    story.until(second);
    for (const [at, act] of STEPS) if (at === second) act(story, second);
    between(story, second);
  }
  return story;
}

test('the story holds what it is about: words of people, announced work and a storm', () => {
  const story = play();
  const kinds = new Set(story.facts.map((fact) => fact.kind));
  for (const kind of ['incident.merged', 'incident.resolved', 'alert.suppressed'] as const) {
    expect(kinds).toContain(kind);
  }
  const causes = story.incidents().map(({ root }) => root.cause);
  expect(causes).toContain('many troubles at once');
  expect(story.incidents().some(({ takenOver }) => takenOver !== undefined)).toBe(true);
  const reasons = story.facts.flatMap((fact) =>
    fact.kind === 'alert.suppressed' ? fact.because.kind : [],
  );
  expect(reasons).toContain('maintenance');
});

test('an engine restarted from its snapshot after every second says the same as one that ran on', () => {
  const one = play();
  const other = play((story) => story.restart());
  expect(other.facts).toEqual(one.facts);
  expect(other.engine().snapshot()).toEqual(one.engine().snapshot());
});

test.each([31, 41, 51, 61, 96, 151, 221, 222, 231, 261])(
  'one restart at second %i changes nothing that follows',
  (when) => {
    const other = play((story, second) => {
      if (second === when) story.restart();
    });
    expect(other.facts).toEqual(play().facts);
  },
);
