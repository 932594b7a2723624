import { access, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import { checkTree } from './check.ts';
import { collectFindings } from './cross.ts';
import { checkInventory } from './cross-inventory.ts';
import { checkMaintenance } from './cross-maintenance.ts';
import { checkRedundancy } from './cross-redundancy.ts';
import { checkRemoteWrite } from './cross-remote-write.ts';
import { checkRules } from './cross-rules.ts';
import { checkServer } from './cross-server.ts';
import { checkServices } from './cross-services.ts';
import { overrideTree } from './overrides.ts';
import type { RulePack } from './pack.ts';
import { type ConfigProblem, type Origin, sortProblems } from './problem.ts';
import { type Config, ConfigSchema } from './schema.ts';
import type { Shape } from './shape.ts';
import { emptyTree, mergeTrees, parseTree, type Tree } from './tree.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface Loaded {
  readonly ok: true;
  readonly config: Config;
  /** Worth a look, but not wrong. */
  readonly warnings: readonly ConfigProblem[];
  /** The files that were read, in order. */
  readonly files: readonly string[];
  /** Where every value was written, by JSON Pointer. */
  readonly origins: ReadonlyMap<string, Origin>;
}

export type LoadResult =
  | Loaded
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export const DEFAULT_PACK: RulePack = { rules: DEFAULT_RULES, timing: DEFAULT_TIMING };

/** A configuration larger than this is not one. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Where a configuration is looked for, first match wins (conventions of `vedette --config`). */
export function lookupPaths(env: Env): string[] {
  const home = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || homedir(), '.config');
  return ['vedette.yaml', path.join(home, 'vedette/vedette.yaml'), '/etc/vedette/vedette.yaml'];
}

/**
 * Reads, merges and checks a configuration: the file, then `conf.d/*.yaml` beside it in order of
 * their names, then `VEDETTE__SECTION__KEY`. Reports every problem, in the order of the files.
 * @param file as given by `--config`; undefined = VEDETTE_CONFIG, then `lookupPaths`
 */
export async function loadConfig(
  file: string | undefined,
  env: Env,
  pack: RulePack = DEFAULT_PACK,
): Promise<LoadResult> {
  const main = file ?? env['VEDETTE_CONFIG'] ?? (await firstExisting(lookupPaths(env)));
  if (main === undefined) {
    const message = `no configuration found (looked for ${lookupPaths(env).join(', ')}); write one with \`vedette config init\``;
    return { ok: false, problems: [{ at: { source: 'vedette.yaml' }, path: '', message }] };
  }
  const files = [main, ...(await partsBeside(main))];
  const problems: ConfigProblem[] = [];
  let tree: Tree = emptyTree({ source: main, line: 1, column: 1 });
  for (const source of files) {
    const text = await readText(source);
    if (typeof text !== 'string') problems.push(text);
    else {
      const parsed = parseTree(text, source);
      problems.push(...parsed.problems);
      tree = mergeTrees(tree, parsed.tree);
    }
  }
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return judge(tree, env, pack, files);
}

/** The same checks for a text that is in no file (the demo, tests). */
export function loadConfigText(
  text: string,
  source: string,
  env: Env = {},
  pack: RulePack = DEFAULT_PACK,
): LoadResult {
  const parsed = parseTree(text, source);
  if (parsed.problems.length > 0) return { ok: false, problems: sortProblems(parsed.problems) };
  return judge(parsed.tree, env, pack, [source]);
}

function judge(tree: Tree, env: Env, pack: RulePack, files: readonly string[]): LoadResult {
  const shape: Shape = ConfigSchema as object;
  const overridden = overrideTree(shape, tree, env);
  const checked = checkTree(shape, overridden.tree);
  // The check leaves a value of the schema's type even where something was wrong.
  const config = checked.value as Config;
  const spoilt = new Set(checked.problems.map((problem) => problem.path));
  const { findings, problems, warnings } = collectFindings(config, pack, checked.origins, spoilt);
  checkServer(findings);
  checkRemoteWrite(findings);
  checkInventory(findings);
  checkRedundancy(findings);
  checkServices(findings);
  checkMaintenance(findings);
  checkRules(findings);
  const all = [...overridden.problems, ...checked.problems, ...problems];
  if (all.length > 0) return { ok: false, problems: sortProblems(all) };
  return {
    ok: true,
    config,
    warnings: sortProblems(warnings),
    files,
    origins: checked.origins,
  };
}

async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const candidate of paths) {
    const exists = await access(candidate).then(
      () => true,
      () => false,
    );
    if (exists) return candidate;
  }
  return undefined;
}

async function partsBeside(main: string): Promise<string[]> {
  const folder = path.join(path.dirname(main), 'conf.d');
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .sort()
    .map((name) => path.join(folder, name));
}

async function readText(source: string): Promise<string | ConfigProblem> {
  try {
    const bytes = await readFile(source);
    if (bytes.length <= MAX_BYTES) return bytes.toString('utf8').replace(/^\uFEFF/, '');
    return { at: { source }, path: '', message: `larger than ${MAX_BYTES} bytes` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    return { at: { source }, path: '', message: why };
  }
}
