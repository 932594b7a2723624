import { expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import { engineSettings } from '../../config/map.ts';
import { problemText } from '../../config/problem.ts';
import type { Rule } from '../../rules/settings.ts';

const withRules = (rules: string) =>
  loadConfigText(
    `sites: [{ id: hub, hub: true }]
rules:
${rules}`,
    'test.yaml',
    {},
  );

function rulesOf(rules: string): readonly Rule[] {
  const loaded = withRules(rules);
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
  return engineSettings(loaded.config, 'test', DEFAULT_PACK).rules;
}

function problemsOf(rules: string): string {
  const loaded = withRules(rules);
  return loaded.ok ? '' : loaded.problems.map(problemText).join('\n');
}

test('a baseline rule of the pack is tuned like any rule', () => {
  const rules = rulesOf('  - { id: link-latency-shift, atLeast: 8, proof: 40m, clearAfter: 1h }');
  expect(rules.find(({ id }) => id === 'link-latency-shift')).toMatchObject({
    clearAfter: 3_600_000,
    detector: { kind: 'baseline', atLeast: 8, proof: 2_400_000, share: 0.03, spread: 0.5 },
  });
});

test('a baseline rule of our own may leave out what has a default', () => {
  const rules = rulesOf(`  - id: jitter
    on: [link]
    detector: { kind: baseline, metric: stamp_jitter_ms }
    holdFor: 0s
    clearAfter: 30m
    severity: warning
    disturbance: degradation
    cause: jitter
    reason: because`);
  expect(rules.find(({ id }) => id === 'jitter')?.detector).toEqual({
    kind: 'baseline',
    metric: 'stamp_jitter_ms',
    side: 'above',
    atLeast: 5,
    share: 0.03,
    spread: 0.5,
    proof: 1_560_000,
  });
});

test('a limit that a person sets is judged also where it is usually exceeded', () => {
  const detectorOf = (rules: string) => rulesOf(rules).find(({ id }) => id === 'link-latency');
  expect(detectorOf('  - { id: link-latency, over: 1m }')?.detector).toHaveProperty('unlessUsual');
  expect(
    detectorOf('  - { id: link-latency, raiseAt: 200, clearAt: 180 }')?.detector,
  ).not.toHaveProperty('unlessUsual');
});

test.each([
  ['{ id: link-latency-shift, raiseAt: 5 }', 'is of kind baseline and has no raiseAt'],
  ['{ id: link-latency-shift, atLeast: -1 }', 'a number, 0 or more'],
  ['{ id: link-loss, proof: 3m }', 'has no proof'],
  ['{ id: x, detector: { kind: baseline, metric: icmp_rtt } }', 'there is no metric "icmp_rtt"'],
  [
    '{ id: x, detector: { kind: baseline, metric: if_in_octets_total } }',
    'is a counter, which only grows',
  ],
])('%s is refused', (rule, what) => {
  expect(problemsOf(`  - ${rule}`)).toContain(what);
});
