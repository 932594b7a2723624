import { expect, test } from 'vitest';
import { killRounds } from '../../bench/support-kill-rounds.ts';

const ROUNDS = Number(process.env['VEDETTE_KILL_ROUNDS'] ?? 10);

test('agent and server are killed again and again: no sample twice, no hole but where the agent was dead, one fault is one ticket', async () => {
  const report = await killRounds(ROUNDS, 3);
  expect(report.broken).toEqual([]);
  expect(report.tickets).toBe(1);
  expect(report.samples).toBeGreaterThan(ROUNDS * 5);
}, 600_000);
