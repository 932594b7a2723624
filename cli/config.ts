import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { DEFAULT_PACK, type Loaded, loadConfig } from '../config/load.ts';
import { createMaintenancePlan } from '../config/maintenance.ts';
import { engineSettings } from '../config/map.ts';
import { printConfig, printRules } from '../config/print.ts';
import { type ConfigProblem, problemText } from '../config/problem.ts';
import { ConfigSchema } from '../config/schema.ts';
import { readSecrets } from '../config/secrets.ts';
import { jsonSchema } from '../config/shape.ts';
import { STARTER } from '../config/starter.ts';
import { didYouMean } from '../config/words.ts';
import { epochMs } from '../protocol/model/units.ts';

const HELP = `vedette config check [--config FILE] [--strict] [--json]
vedette config print [--config FILE] [--rules] [--json]
vedette config schema
vedette config init [FILE]

check   says what is wrong, with file:line:column, what was expected and the nearest valid name
print   shows the whole configuration with the origin of every value; secrets stay references
schema  writes the JSON schema that editors complete by
init    writes a commented configuration to begin with (vedette.yaml); never over an existing file

  --config FILE  default: $VEDETTE_CONFIG, ./vedette.yaml, $XDG_CONFIG_HOME/vedette/vedette.yaml,
                 /etc/vedette/vedette.yaml; conf.d/*.yaml beside it and VEDETTE__SECTION__KEY are merged
  --strict       also read every secret; warnings count as errors
  --rules        the rules as they will be applied, default pack and changes
  --json         for programs
  -h, --help     this text

Examples:
  vedette config check --config /etc/vedette/vedette.yaml --strict
  vedette config print --rules

Exit code: 0 good, 1 not written, 2 wrong usage, 78 bad configuration.
`;

const BAD_CONFIG = 78;

interface Options {
  readonly config?: string | undefined;
  readonly strict?: boolean | undefined;
  readonly rules?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const VERBS = ['check', 'print', 'schema', 'init'];

/** The verb `config`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      strict: { type: 'boolean' },
      rules: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb = '', ...rest] = positionals;
  if (verb !== 'init' && rest.length > 0) return misused(`"${rest[0]}" is one word too many`);
  switch (verb) {
    case 'check':
      return check(values);
    case 'print':
      return print(values);
    case 'schema':
      console.log(JSON.stringify(schemaDocument(), undefined, 2));
      return 0;
    case 'init':
      return init(rest[0] ?? 'vedette.yaml');
    default:
      return misused(
        verb === '' ? 'check, print, schema or init?' : `no "${verb}"${didYouMean(verb, VERBS)}`,
      );
  }
}

function misused(what: string): number {
  process.stderr.write(`vedette config: ${what}\nSee vedette config --help.\n`);
  return 2;
}

const schemaDocument = () => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Configuration of Vedette',
  ...jsonSchema(ConfigSchema as object),
});

async function check(options: Options): Promise<number> {
  const loaded = await loadConfig(options.config, process.env);
  const problems: ConfigProblem[] = loaded.ok ? [] : [...loaded.problems];
  const warnings = loaded.ok ? loaded.warnings : [];
  if (loaded.ok) {
    problems.push(...createMaintenancePlan(loaded).windows(epochMs(Date.now())).problems);
  }
  if (loaded.ok && options.strict) problems.push(...(await strictProblems(loaded)));
  const isGood = problems.length === 0;
  if (options.json) console.log(JSON.stringify({ ok: isGood, problems, warnings }));
  else report(loaded, problems, warnings);
  return isGood ? 0 : BAD_CONFIG;
}

async function strictProblems(loaded: Loaded): Promise<readonly ConfigProblem[]> {
  const secrets = await readSecrets(loaded, process.env);
  return [...loaded.warnings, ...(secrets.ok ? [] : secrets.problems)];
}

function report(
  loaded: Awaited<ReturnType<typeof loadConfig>>,
  problems: readonly ConfigProblem[],
  warnings: readonly ConfigProblem[],
): void {
  for (const problem of problems) console.error(problemText(problem));
  if (problems.length > 0) {
    console.error(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
    return;
  }
  for (const warning of warnings) console.error(`warning: ${problemText(warning)}`);
  if (!loaded.ok) return;
  const { sites, devices, links, agents, services } = loaded.config;
  const counts = { sites, devices, links, agents, ...(services.length > 0 && { services }) };
  const words = Object.entries(counts).map(([what, { length }]) =>
    length === 1 ? `1 ${what.slice(0, -1)}` : `${length} ${what}`,
  );
  console.log(`${loaded.files.join(', ')}: good; ${words.join(', ')}`);
}

async function print(options: Options): Promise<number> {
  const loaded = await loadConfig(options.config, process.env);
  if (!loaded.ok) {
    for (const problem of loaded.problems) console.error(problemText(problem));
    return BAD_CONFIG;
  }
  const { rules } = engineSettings(loaded.config, 'print', DEFAULT_PACK);
  if (options.rules) {
    process.stdout.write(options.json ? `${JSON.stringify(rules)}\n` : printRules(rules, loaded));
  } else process.stdout.write(printConfig(loaded, options.json === true));
  return 0;
}

async function init(file: string): Promise<number> {
  try {
    await writeFile(file, STARTER, { flag: 'wx', mode: 0o640 });
  } catch (error) {
    const isThere = await access(file, constants.F_OK).then(
      () => true,
      () => false,
    );
    const why = isThere ? 'it is already there and stays as it is' : (error as Error).message;
    process.stderr.write(`vedette config init: ${file} not written: ${why}\n`);
    return 1;
  }
  process.stderr.write(
    `${file} written. Next: put in your sites and devices, then: vedette config check --config ${file}\n`,
  );
  return 0;
}
