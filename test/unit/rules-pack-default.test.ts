import { describe, expect, test } from 'vitest';
import { DERIVED_METRICS, METRICS } from '../../protocol/model/metrics.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { Rule } from '../../rules/settings.ts';

const IDS = [
  'link-unreachable',
  'device-unreachable',
  'link-loss',
  'device-loss',
  'link-latency',
  'lan-latency',
  'link-latency-shift',
  'lan-latency-shift',
  'gauge-unusual',
  'interface-down',
  'interface-utilisation',
  'interface-overflow',
  'interface-errors',
  'interface-discards',
  'snmp-silent',
  'agent-silent',
  'device-cpu',
  'device-overloaded',
  'device-memory',
  'device-temperature',
  'bgp-isolated',
  'bgp-session-lost',
  'bfd-session-lost',
  'routes-lost',
  'routes-withdrawn',
  'port-shut',
  'ports-lost',
  'link-error-budget',
  'voice-quality',
  'interface-unusual-load',
  'interface-load-forecast',
  'device-memory-forecast',
  'device-temperature-forecast',
];

describe('the default pack', () => {
  test('has exactly the rules that are promised, each once and enabled', () => {
    expect(DEFAULT_RULES.map((rule) => rule.id).sort()).toEqual([...IDS].sort());
    expect(DEFAULT_RULES.every((rule) => rule.enabled)).toBe(true);
  });

  test.each(DEFAULT_RULES.map((rule) => [rule.id, rule] as const))(
    '%s says why and what to do at 3 a.m.',
    (_id, rule) => {
      expect(rule.reason.length).toBeGreaterThan(60);
      expect(rule.advice.length).toBeGreaterThanOrEqual(3);
      expect(rule.cause).toMatch(/^\S.{3,30}$/);
      expect(rule.on.length).toBeGreaterThan(0);
    },
  );

  test('judges only gauges and derived figures, with a gap between raising and clearing', () => {
    for (const rule of DEFAULT_RULES) {
      if (rule.detector.kind !== 'threshold') continue;
      const { metric, also = [], band } = rule.detector;
      for (const one of [metric, ...also]) {
        expect({ ...METRICS, ...DERIVED_METRICS }[one].kind).toBe('gauge');
      }
      // Only voice is bad when its figure is low.
      if (metric === 'path_mos') expect(band.clearAt).toBeGreaterThan(band.raiseAt);
      else expect(band.clearAt).toBeLessThan(band.raiseAt);
    }
  });

  test('clears outages after ten to fifteen seconds, degradations after a minute, shifts within the hour', () => {
    const clearsAfter = ({ detector, clearAfter }: Rule): number =>
      clearAfter + (detector.kind === 'threshold' ? Math.min(detector.over, 30_000) : 0);
    for (const rule of DEFAULT_RULES) {
      // What took minutes to prove comes in bursts, and the bursts are one incident.
      const degraded = rule.detector.kind === 'baseline' ? 3_600_000 : 90_000;
      const most = rule.disturbance === 'outage' ? 15_000 : degraded;
      expect(clearsAfter(rule)).toBeLessThanOrEqual(most);
    }
  });

  test('lets a slow SNMP poll of 60 s arrive in time', () => {
    expect(DEFAULT_TIMING.lateAfter).toBeGreaterThan(0.9 * 60_000 + 5_000);
  });
});
