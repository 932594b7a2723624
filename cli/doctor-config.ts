import { loadConfig } from '../config/load.ts';
import { createMaintenancePlan } from '../config/maintenance.ts';
import { problemText } from '../config/problem.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { Check } from './doctor-checks.ts';

/** Said one by one; the rest by `vedette config check`. */
const SAID = 5;

/**
 * What the configuration of this machine says that is wrong or only looks right: redundancy that is
 * none, calendars that cannot be read.
 */
export async function checkConfiguration(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Check[]> {
  const name = 'configuration';
  const loaded = await loadConfig(file, env);
  const fix = 'vedette config check';
  if (!loaded.ok) {
    const texts = loaded.problems.slice(0, SAID).map(problemText);
    return texts.map((text) => ({ name, state: 'fail', text, fix }));
  }
  const { problems } = createMaintenancePlan(loaded).windows(epochMs(Date.now()));
  const failed = problems.map((problem): Check => {
    return { name, state: 'fail', text: problemText(problem), fix };
  });
  const warned = loaded.warnings.slice(0, SAID).map((warning): Check => {
    return { name, state: 'warn', text: problemText(warning), fix };
  });
  const more = loaded.warnings.length - warned.length;
  if (more > 0) warned.push({ name, state: 'warn', text: `${more} more of that`, fix });
  if (failed.length + warned.length > 0) return [...failed, ...warned];
  return [{ name, state: 'ok', text: loaded.files.join(', ') }];
}
