import type { Figure } from './figure.ts';
import { crashRounds } from './support-crash-rounds.ts';

/** Is anything lost or doubled when the server is killed at random moments under load? */
export const name = 'crash';

const ROUNDS = Number(process.env['VEDETTE_CRASH_ROUNDS'] ?? 200);

export async function run(): Promise<Figure[]> {
  const { rounds, acknowledged, incidents, messages, broken } = await crashRounds(ROUNDS, 11);
  for (const text of broken.slice(0, 20)) process.stderr.write(`${text}\n`);
  const note = `${rounds} kills, ${acknowledged} batches acknowledged, ${incidents} incidents, ${messages} messages`;
  return [{ name: 'broken promises', figure: broken.length, unit: 'cases', budget: 0, note }];
}
