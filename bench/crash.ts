import type { Figure } from './figure.ts';
import { crashRounds } from './support-crash-rounds.ts';
import { killRounds } from './support-kill-rounds.ts';

/** Is anything lost or doubled when server and agent are killed at random moments under load? */
export const name = 'crash';

const ROUNDS = Number(process.env['VEDETTE_CRASH_ROUNDS'] ?? 200);

export async function run(): Promise<Figure[]> {
  const { rounds, acknowledged, incidents, messages, broken } = await crashRounds(ROUNDS, 11);
  for (const text of broken.slice(0, 20)) process.stderr.write(`${text}\n`);
  const note = `${rounds} kills, ${acknowledged} batches acknowledged, ${incidents} incidents, ${messages} messages`;
  const both = await killRounds(ROUNDS, 5);
  for (const text of both.broken.slice(0, 20)) process.stderr.write(`${text}\n`);
  const { agentKills, serverKills, samples, tickets } = both;
  return [
    {
      name: 'server under load, broken promises',
      figure: broken.length,
      unit: 'cases',
      budget: 0,
      note,
    },
    {
      name: 'real agent and server, broken promises',
      figure: both.broken.length,
      unit: 'cases',
      budget: 0,
      note: `${agentKills} kills of the agent, ${serverKills} of the server, ${samples} samples, ${tickets} ticket for one fault`,
    },
  ];
}
