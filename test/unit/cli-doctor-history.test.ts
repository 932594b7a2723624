import { expect, test } from 'vitest';
import { judgeHistory } from '../../cli/doctor-history.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { HistoryUsage } from '../../server/ports/history.ts';

const DAY = 86_400_000;
const GIB = 2 ** 30;
const keeping = { rawFor: durationMs(14 * DAY), rollupFor: durationMs(400 * DAY) };
const usage = (more: Partial<HistoryUsage> = {}): HistoryUsage => ({
  chunkBytes: 2 * GIB,
  chunkSamples: 2 ** 30,
  rollupBytes: GIB / 10,
  fileBytes: 2.1 * GIB,
  firstAt: epochMs(0),
  lastAt: epochMs(10 * DAY),
  series: 20_000,
  ...more,
});

test('the doctor says what the history takes, at what pace it grows, and where that ends', () => {
  const { state, text } = judgeHistory(usage(), keeping, 2.1 * GIB, 100 * GIB);
  expect(state).toBe('ok');
  expect(text).toBe(
    '2.1 GiB for 20000 series, 100 GiB free; 215 MiB a day (2.00 bytes a sample), in the end 6.8 GiB',
  );
});

test('a disk that will be full is told with the day and with what mends it', () => {
  const soon = judgeHistory(usage(), keeping, 2.1 * GIB, GIB);
  expect(soon.state).toBe('fail');
  expect(soon.text).toContain('the disk is full in 4 days');
  expect(soon.fix).toContain('make room for 3.7 GiB');
  expect(judgeHistory(usage({ rollupBytes: GIB }), keeping, 2.1 * GIB, 20 * GIB).state).toBe(
    'warn',
  );
});

test('an empty history predicts nothing', () => {
  const { firstAt: _, lastAt: __, ...rest } = usage();
  const young = judgeHistory({ ...rest, firstAt: undefined, lastAt: undefined }, keeping, 0, GIB);
  expect(young.text).toContain('too young');
});
