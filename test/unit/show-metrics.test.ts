import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../protocol/model/metrics.ts';
import { externalName } from '../../server/adapters/remote-write/labels.ts';
import { createForwarder } from '../../server/forward/forwarder.ts';
import type { OwnFigure } from '../../server/ports/show.ts';
import { createOwnMetrics } from '../../server/show/metrics.ts';
import { needs } from '../support/needs.ts';

const OPEN = 'application/openmetrics-text; version=1.0.0';
const FIGURES: readonly OwnFigure[] = [
  { name: 'written_bytes_total', help: 'Bytes', kind: 'counter', unit: 'bytes', value: 12 },
  { name: 'clock_ahead_seconds', help: 'Ahead', kind: 'gauge', unit: 'seconds', value: 0.25 },
  { name: 'inputs_waiting', help: 'Say "x"\nand \\', kind: 'gauge', value: 3 },
];
const metrics = createOwnMetrics({ version: '1.2.3', figures: () => FIGURES });

describe('the form', () => {
  test.each([
    OPEN,
    `${OPEN};q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
    'text/plain, Application/OpenMetrics-Text',
  ])('%s gets OpenMetrics', async (accept) => {
    const { contentType, text } = await metrics.scrape(accept);
    expect(contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  test.each([undefined, '', '*/*', 'text/plain', `${OPEN};q=0`, ';;,,'])(
    '%s gets the text format',
    async (accept) => {
      const { contentType, text } = await metrics.scrape(accept);
      expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(text).not.toContain('# EOF');
      expect(text).toContain('# TYPE vedette_written_bytes_total counter');
    },
  );

  test('OpenMetrics names the units behind the types', async () => {
    const { text } = await metrics.scrape(OPEN);
    expect(text).toContain(
      '# TYPE vedette_written_bytes counter\n# UNIT vedette_written_bytes bytes\n',
    );
    expect(text).toContain(
      '# TYPE vedette_clock_ahead_seconds gauge\n# UNIT vedette_clock_ahead_seconds seconds\n',
    );
    expect(text).not.toContain('# UNIT vedette_inputs_waiting');
    expect(text).toContain('\nvedette_written_bytes_total 12\n');
  });
});

test('a figure with a unit has it in its name', () => {
  for (const { name, unit } of FIGURES) {
    if (unit !== undefined) expect(name.replace(/_total$/, '')).toMatch(new RegExp(`_${unit}$`));
  }
});

test('no figure of our own has the name of a metric that remote write carries', () => {
  const forwarder = createForwarder({
    targets: [{ id: 'x', every: 0 as never, writer: { write: () => never(), close: () => {} } }],
    marks: { read: () => new Map(), write: async () => {} },
    log: { info: () => {}, warn: () => {} },
  });
  const carried = new Set(Object.keys(METRICS).map(externalName));
  const own = [...forwarder.figures()].map(({ name }) => `vedette_${name}`);
  expect(own.length).toBeGreaterThan(4);
  expect(own.filter((name) => carried.has(name))).toEqual([]);
  return forwarder.stop(10);
});
const never = () => new Promise<never>(() => {});

needs('prometheus')('promtool check metrics', () => {
  test('finds nothing to say of our figures', async () => {
    const { text } = await metrics.scrape('*/*');
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
