import { expect, test } from 'vitest';
import { crashRounds } from '../../bench/support-crash-rounds.ts';

const ROUNDS = Number(process.env['VEDETTE_CRASH_ROUNDS'] ?? 10);

test('a server that is killed again and again loses and doubles nothing', async () => {
  const report = await crashRounds(ROUNDS, 7);
  expect(report.broken).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(ROUNDS * 20);
  expect(report.incidents).toBeGreaterThan(3);
  expect(report.messages).toBeGreaterThanOrEqual(report.incidents);
}, 600_000);
