import { expect, test } from 'vitest';
import { loadConfigText } from '../../config/load.ts';
import { problemText } from '../../config/problem.ts';

const problemsOf = (text: string): string[] => {
  const result = loadConfigText(text, 'x.yaml');
  return result.ok ? [] : result.problems.map(problemText);
};
const whole =
  'holdFor: 0s, clearAfter: 1m, severity: minor, disturbance: degradation, cause: c, reason: r';

test.each([
  ['{ id: link-error-budget, raiseAt: 3 }', 'is of kind burn-rate and has no raiseAt'],
  ['{ id: link-error-budget, objective: 2 }', 'a share of good minutes such as 0.999'],
  [
    `{ id: x, on: [link], detector: { kind: burn-rate, metric: stamp_rtt_ms, badAt: 0.1, objective: 0.99, windows: [{ long: 4d, short: 1m, factor: 2 }] }, ${whole} }`,
    'minutes are judged by their loss ratio',
  ],
  [
    `{ id: x, on: [link], detector: { kind: burn-rate, metric: stamp_loss_ratio, badAt: 0.1, objective: 0.99, windows: [{ long: 4d, short: 5m, factor: 2 }] }, ${whole} }`,
    'expected 3d or less',
  ],
  [
    `{ id: x, on: [link], detector: { kind: burn-rate, metric: stamp_loss_ratio, badAt: 0.1, objective: 0.99, windows: [{ long: 5m, short: 1h, factor: 2 }] }, ${whole} }`,
    'must be shorter than the long window (5m)',
  ],
  [
    `{ id: x, on: [device], detector: { kind: surge, metric: if_in_errors_per_s, raiseAt: 1 }, ${whole} }`,
    'if_in_errors_per_s is never measured on a device; expected interface',
  ],
  [
    `{ id: x, on: [device], detector: { kind: forecast, metric: device_cpu_rato, raiseAt: 1 }, ${whole} }`,
    'did you mean "device_cpu_ratio"?',
  ],
  [
    `{ id: x, on: [device], detector: { kind: profile, metric: device_cpu_ratio, margin: -1 }, ${whole} }`,
    'a number, 0 or more',
  ],
])('%s', (body, expected) => {
  expect(problemsOf(`rules:\n  - ${body}`).join('\n')).toContain(expected);
});

test('rules of each learning kind load, with what they leave out', () => {
  const own = [
    'kind: surge, metric: if_in_errors_per_s, raiseAt: 1',
    'kind: profile, metric: if_in_utilisation_ratio, margin: 0.2',
    'kind: forecast, metric: if_in_utilisation_ratio, raiseAt: 0.7',
  ].map((body, n) => `  - { id: own-${n}, on: [interface], detector: { ${body} }, ${whole} }`);
  const tuned = [
    '  - { id: interface-errors, raiseAt: 0.5 }',
    '  - { id: interface-unusual-load, margin: 0.3 }',
    '  - { id: link-error-budget, objective: 0.99, badAt: 0.05 }',
  ];
  expect(problemsOf(`rules:\n${[...own, ...tuned].join('\n')}`)).toEqual([]);
});
