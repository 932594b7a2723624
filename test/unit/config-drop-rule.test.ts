import { expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import { problemText } from '../../config/problem.ts';
import { effectiveRules } from '../../config/rules.ts';

const textOf = (on: string, detector: string): string =>
  `rules:\n  - { id: x, on: [${on}], detector: { kind: drop, ${detector} }, holdFor: 0s, clearAfter: 1m, severity: minor, disturbance: degradation, cause: c, reason: r }`;

const problemsOf = (on: string, detector: string): string => {
  const result = loadConfigText(textOf(on, detector), 'x.yaml');
  return result.ok ? '' : result.problems.map(problemText).join('\n');
};

const detectorOf = (detector: string): unknown => {
  const result = loadConfigText(textOf('device', detector), 'x.yaml');
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return effectiveRules(DEFAULT_PACK, result.config.rules).at(-1)?.detector;
};

test('what a rule of kind drop leaves out has defaults', () => {
  expect(detectorOf('metric: bgp_peers_established')).toEqual({
    kind: 'drop',
    metric: 'bgp_peers_established',
    least: 1,
    share: 0,
    settleFor: 60_000,
    forgetAfter: 259_200_000,
  });
});

test('a rule of kind drop may be a composite', () => {
  const beside = 'alongside: { metric: device_ports_admin_down, within: 30s }';
  expect(detectorOf(`metric: device_ports_up, ${beside}`)).toMatchObject({
    alongside: { metric: 'device_ports_admin_down', within: 30_000 },
  });
});

test.each([
  ['link', 'metric: bgp_peers_established', 'is never measured on a link; expected device'],
  ['device', 'metric: bgp_peers', 'there is no metric "bgp_peers"'],
  ['device', 'metric: route_count, also: [rout_count]', 'did you mean "route_count"?'],
  ['device', 'metric: route_count, share: 2', 'a share, 0 to 1'],
  ['device', 'metric: route_count, least: 0', 'a number, 1 or more'],
  ['device', 'metric: route_count, settleFor: soon', 'a duration such as'],
  [
    'device',
    'metric: route_count, alongside: { metric: if_in_octets_total }',
    'is a counter, which only grows',
  ],
])('on a %s, %s: refused with a reason', (on, detector, expected) => {
  expect(problemsOf(on, detector)).toContain(expected);
});
