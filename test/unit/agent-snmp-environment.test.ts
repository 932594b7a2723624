import { afterEach, expect, test } from 'vitest';
import type { Environment } from '../../agent/ports/snmp.ts';
import {
  compareOids,
  type FakeRow,
  gauge32,
  int,
  octets,
  oidValue,
} from '../support/fake-snmp-agent.ts';
import { createFakeDevices, soon } from '../support/fake-snmp-device.ts';

const devices = createFakeDevices();
afterEach(() => devices.close());

const LOAD = '1.3.6.1.2.1.25.3.3.1.2';
const STORAGE = '1.3.6.1.2.1.25.2.3.1';
const SENSOR = '1.3.6.1.2.1.99.1.1.1';
const CISCO_CPU = '1.3.6.1.4.1.9.9.109.1.1.1.1.8';
const CISCO_POOL = '1.3.6.1.4.1.9.9.48.1.1.1';
const RAM = oidValue('1.3.6.1.2.1.25.2.1.2');
const OTHER = oidValue('1.3.6.1.2.1.25.2.1.1');

const store = (row: number, type: Buffer, descr: string, size: number, used: number): FakeRow[] => [
  [`${STORAGE}.2.${row}`, type],
  [`${STORAGE}.3.${row}`, octets(descr)],
  [`${STORAGE}.5.${row}`, int(size)],
  [`${STORAGE}.6.${row}`, int(used)],
];
const sensor = (
  row: number,
  [type, scale, precision, value, state]: readonly [number, number, number, number, number],
): FakeRow[] => [
  [`${SENSOR}.1.${row}`, int(type)],
  [`${SENSOR}.2.${row}`, int(scale)],
  [`${SENSOR}.3.${row}`, int(precision)],
  [`${SENSOR}.4.${row}`, int(value)],
  [`${SENSOR}.5.${row}`, int(state)],
];

test.each<[because: string, rows: FakeRow[], expected: Environment]>([
  [
    'the load is the mean of the processors',
    [
      [`${LOAD}.1`, int(20)],
      [`${LOAD}.2`, int(60)],
    ],
    { cpuRatio: 0.4 },
  ],
  [
    'a load that is no percentage is left out',
    [
      [`${LOAD}.1`, int(20)],
      [`${LOAD}.2`, int(4_000)],
      [`${LOAD}.3`, octets('high')],
    ],
    { cpuRatio: 0.2 },
  ],
  ['RAM in use', store(1, RAM, 'RAM', 1_000, 250), { memoryRatio: 0.25 }],
  [
    'caches of Linux are not in use',
    [
      ...store(1, RAM, 'Physical memory', 1_000, 900),
      ...store(6, OTHER, 'Memory buffers', 1_000, 100),
      ...store(7, OTHER, 'Cached memory', 500, 500),
    ],
    { memoryRatio: 0.3 },
  ],
  [
    'what Linux calls available decides where it is told',
    [
      ...store(1, RAM, 'Physical memory', 1_000, 900),
      ...store(7, OTHER, 'Cached memory', 500, 500),
      ...store(11, OTHER, 'Available memory', 750, 0),
    ],
    { memoryRatio: 0.25 },
  ],
  ['a disk is no memory', store(1, OTHER, '/', 1_000, 900), {}],
  ['a size of zero tells nothing', store(1, RAM, 'RAM', 0, 0), {}],
  [
    'Cisco tables where the standard ones are missing; pool 1 is the processor',
    [
      [`${CISCO_CPU}.1`, gauge32(35)],
      [`${CISCO_POOL}.5.1`, gauge32(300)],
      [`${CISCO_POOL}.5.2`, gauge32(1)],
      [`${CISCO_POOL}.6.1`, gauge32(100)],
      [`${CISCO_POOL}.6.2`, gauge32(1)],
    ],
    { cpuRatio: 0.35, memoryRatio: 0.75 },
  ],
  [
    'the hottest sensor, with scale and precision',
    [
      ...sensor(1, [8, 9, 0, 41, 1]),
      ...sensor(2, [8, 9, 1, 435, 1]),
      ...sensor(3, [8, 8, 0, 42_250, 1]),
    ],
    { temperatureCelsius: 43.5 },
  ],
  [
    'sensors of volts, broken ones and impossible readings do not count',
    [
      ...sensor(1, [4, 9, 0, 230, 1]),
      ...sensor(2, [8, 9, 0, 99, 3]),
      ...sensor(3, [8, 9, 0, 1_000_000, 1]),
      ...sensor(4, [8, 9, 0, -5, 1]),
    ],
    { temperatureCelsius: -5 },
  ],
  ['a device without any of it', [], {}],
])('environment: %s', async (_because, rows, expected) => {
  const sorted = [...rows].sort(([a], [b]) => compareOids(a, b));
  const { reader } = await devices.open({ rows: sorted });
  const answer = await reader.environment(soon());
  const value = answer.kind === 'answered' ? answer.value : undefined;
  expect(Object.keys(value ?? {}).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, figure] of Object.entries(expected)) {
    expect(value?.[name as keyof Environment]).toBeCloseTo(figure, 9);
  }
});
