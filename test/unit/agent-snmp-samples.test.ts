import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { hasRestarted, snmpSamples } from '../../agent/poll/snmp/snmp-samples.ts';
import type { InterfaceRow } from '../../agent/ports/snmp.ts';
import { isMetricName, METRICS } from '../../protocol/model/metrics.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { InterfaceEntry } from '../../protocol/wire/batch.ts';

const at = epochMs(1_700_000_000_000);
const wide = (value: bigint) => ({ value, bits: 64 as const });
const full: InterfaceRow = {
  ifIndex: 3,
  name: 'Gi0/3',
  descr: 'GigabitEthernet0/3',
  alias: 'to Lyon',
  mac: '00:1b:21:aa:bb:cc',
  speedBps: 1e9,
  adminUp: true,
  operUp: false,
  discontinuityTicks: 12,
  counters: {
    inOctets: wide(2n ** 63n),
    outOctets: wide(5n),
    inErrors: { value: 1n, bits: 32 },
    outErrors: { value: 2n, bits: 32 },
    inDiscards: { value: 3n, bits: 32 },
    outDiscards: { value: 4n, bits: 32 },
  },
};
const whole = {
  at,
  answered: true,
  system: { at, uptimeTicks: 100, engineBoots: 7 },
  interfaces: { rows: [full], ids: new Map([[3, 'Gi0/3']]), withNames: true },
  environment: { cpuRatio: 0.5, memoryRatio: 0.25, temperatureCelsius: 41.5 },
  every: durationMs(30_000),
  slowEvery: durationMs(300_000),
};

test('a whole poll becomes samples of the catalogue with one time', () => {
  const { samples, interfaces } = snmpSamples('edge-1', whole);
  expect(samples).toHaveLength(16);
  expect(new Set(samples.map((sample) => sample.at))).toEqual(new Set([at]));
  for (const { metric, value, bits } of samples) {
    expect(isMetricName(metric)).toBe(true);
    expect(typeof value).toBe(METRICS[metric].kind === 'counter' ? 'bigint' : 'number');
    expect(bits !== undefined).toBe(METRICS[metric].kind === 'counter');
  }
  expect(samples.find((sample) => sample.metric === 'if_in_octets_total')).toEqual({
    metric: 'if_in_octets_total',
    subject: 'interface:edge-1/Gi0/3',
    at,
    value: 2n ** 63n,
    bits: 64,
    every: 30_000,
  });
  expect(samples.find((sample) => sample.metric === 'if_speed_bps')?.every).toBe(300_000);
  expect(samples.find((sample) => sample.metric === 'if_oper_up')?.value).toBe(0);
  expect(interfaces).toHaveLength(1);
  expect(Value.Check(InterfaceEntry, interfaces[0])).toBe(true);
});

test('a poll without an answer is one sample that says so', () => {
  expect(snmpSamples('edge-1', { at, answered: false }).samples).toEqual([
    { metric: 'snmp_answered', subject: 'device:edge-1', at, value: 0 },
  ]);
});

test('a row without an id is left out, whatever it holds', () => {
  const poll = { ...whole, interfaces: { ...whole.interfaces, ids: new Map<number, string>() } };
  const { samples, interfaces } = snmpSamples('edge-1', poll);
  expect(samples.some((sample) => sample.subject.startsWith('interface:'))).toBe(false);
  expect(interfaces).toEqual([]);
});

test('what a device does not have makes no sample, and no number is invented', () => {
  const { samples } = snmpSamples('edge-1', {
    at,
    answered: true,
    system: { at },
    environment: { temperatureCelsius: Number.NaN },
    interfaces: {
      rows: [{ ifIndex: 1, counters: {} }],
      ids: new Map([[1, 'if1']]),
      withNames: false,
    },
  });
  expect(samples.map((sample) => sample.metric)).toEqual(['snmp_answered']);
});

test('texts are cut to what the wire carries', () => {
  const row: InterfaceRow = { ...full, name: 'n'.repeat(300), alias: 'a'.repeat(300) };
  const { interfaces } = snmpSamples('edge-1', {
    ...whole,
    interfaces: { ...whole.interfaces, rows: [row] },
  });
  expect(Value.Check(InterfaceEntry, interfaces[0])).toBe(true);
});

test.each([
  ['uptime went on', { uptimeTicks: 100 }, { uptimeTicks: 3_100 }, false],
  ['uptime fell', { uptimeTicks: 5_000 }, { uptimeTicks: 200 }, true],
  ['uptime rounded down', { uptimeTicks: 5_000 }, { uptimeTicks: 4_990 }, false],
  ['boots rose', { engineBoots: 3 }, { engineBoots: 4 }, true],
  ['boots fell with a lost state file', { engineBoots: 3 }, { engineBoots: 1 }, true],
  ['nothing is known', {}, {}, false],
])('a restart is noticed: %s', (_because, before, now, expected) => {
  expect(hasRestarted({ at, ...before }, { at, ...now })).toBe(expected);
});
