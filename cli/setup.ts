import { DEFAULT_PACK, loadConfig } from '../config/load.ts';
import { createMaintenancePlan } from '../config/maintenance.ts';
import {
  agentConfigs,
  destinations,
  engineSettings,
  remoteWrites,
  serverOptions,
} from '../config/map.ts';
import { type ConfigProblem, problemText } from '../config/problem.ts';
import { readSecrets } from '../config/secrets.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { ServerSetup } from '../server/main.ts';

export type SetupResult =
  | { readonly ok: true; readonly setup: ServerSetup; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const texts = (problems: readonly ConfigProblem[]): string[] => problems.map(problemText);

/** The configuration as the server takes it, secrets read. */
export async function loadSetup(file: string | undefined): Promise<SetupResult> {
  const { env } = process;
  const loaded = await loadConfig(file, env);
  if (!loaded.ok) return { ok: false, problems: texts(loaded.problems) };
  const read = await readSecrets(loaded, env);
  if (!read.ok) return { ok: false, problems: texts(read.problems) };
  const { config } = loaded;
  const plan = createMaintenancePlan(loaded);
  const { problems } = plan.windows(epochMs(Date.now()));
  if (problems.length > 0) return { ok: false, problems: texts(problems) };
  const setup: ServerSetup = {
    options: serverOptions(config, env),
    settings: (installation) => engineSettings(config, installation, DEFAULT_PACK),
    maintenance(now) {
      const unrolled = plan.windows(now);
      return { windows: unrolled.windows, problems: texts(unrolled.problems) };
    },
    agentConfigs: agentConfigs(config, read.secrets),
    destinations: destinations(config, read.secrets),
    remoteWrites: remoteWrites(config, read.secrets),
  };
  return { ok: true, setup, warnings: texts(loaded.warnings) };
}

/** The state folder that a configuration names; secrets are not needed for it. */
export async function stateFolderOf(file: string | undefined): Promise<
  | {
      readonly ok: true;
      readonly folder: string;
      /** Where history.db is. */
      readonly history: string;
      readonly agents: readonly string[];
    }
  | Failed
> {
  const loaded = await loadConfig(file, process.env);
  if (!loaded.ok) return { ok: false, problems: texts(loaded.problems) };
  const { stateDir, history } = serverOptions(loaded.config, process.env);
  const folders = { folder: stateDir, history: history?.folder ?? stateDir };
  return { ok: true, ...folders, agents: loaded.config.agents.map(({ id }) => id) };
}

interface Failed {
  readonly ok: false;
  readonly problems: readonly string[];
}
