import { expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import { problemText } from '../../config/problem.ts';
import { effectiveRules } from '../../config/rules.ts';

test('a rule of kind drop has its durations in milliseconds', () => {
  const made = effectiveRules(DEFAULT_PACK, [
    {
      id: 'tunnels',
      on: ['device'],
      detector: {
        kind: 'drop',
        metric: 'bgp_peers_established',
        least: 2,
        share: 0,
        settleFor: '1m',
        forgetAfter: '3d',
        alongside: { metric: 'device_ports_admin_down', within: '30s' },
      },
      holdFor: '0s',
      clearAfter: '10s',
      severity: 'minor',
      disturbance: 'degradation',
      cause: 'tunnels lost',
      reason: 'because',
    },
  ]);
  expect(made.at(-1)?.detector).toEqual({
    kind: 'drop',
    metric: 'bgp_peers_established',
    least: 2,
    share: 0,
    settleFor: 60_000,
    forgetAfter: 259_200_000,
    alongside: { metric: 'device_ports_admin_down', within: 30_000 },
  });
});

const rule = (on: string, detector: string): string => {
  const body = `id: x, on: [${on}], detector: { kind: drop, ${detector} }, holdFor: 0s, clearAfter: 1m, severity: minor, disturbance: degradation, cause: c, reason: r`;
  const result = loadConfigText(`rules:\n  - { ${body} }`, 'x.yaml');
  return result.ok ? '' : result.problems.map(problemText).join('\n');
};

test('what a rule of kind drop leaves out has defaults', () => {
  expect(rule('device', 'metric: bgp_peers_established')).not.toMatch(/detector/);
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
  expect(rule(on, detector)).toContain(expected);
});
