import { parseArgs } from 'node:util';
import { DEFAULT_PACK, loadConfig } from '../config/load.ts';
import { engineSettings } from '../config/map.ts';
import { problemText } from '../config/problem.ts';
import { loadRuleTests } from '../config/rule-tests.ts';
import { didYouMean } from '../config/words.ts';
import { EMPTY_INVENTORY } from '../protocol/model/inventory.ts';
import type { EngineSettings, Selector } from '../rules/settings.ts';
import { type RuleTestResult, runRuleTests } from './rules-test.ts';

const HELP = `vedette rules list [--config FILE] [--json]
vedette rules test FILE… [--json]

list  the rules in force: what they watch, how bad it is, and why the limit is where it is
test  runs unit tests of rules: given these samples, expect these alerts at these times

A test file is YAML:

  config: vedette.yaml        # its rules and inventory; without it the rules that ship
  tests:
    - name: steady loss is told within a minute and clears by itself
      every: 5s
      series:
        - { metric: icmp_loss_ratio, subject: link:lyon-mpls, values: 0x24 0.4x24 0x48 }
      expect:
        - { at: 2m, firing: [] }
        - { at: 3m, firing: [{ rule: link-loss, subject: link:lyon-mpls }] }
        - { at: 8m, firing: [] }

Values are written as in promtool: 1x4 is five ones, 1+2x3 is 1 3 5 7, _ is no sample.

Exit code: 0 done, 1 a test failed, 2 wrong usage, 78 a file is wrong (with file:line:column).
`;

const VERBS = ['list', 'test'];

/** The verb `rules`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb = '', ...files] = positionals;
  if (!VERBS.includes(verb)) return misused(`list or test?${didYouMean(verb, VERBS)}`);
  if (verb === 'test') {
    if (values.config !== undefined) return misused('a test file names its own config');
    return files.length === 0 ? misused('test wants a FILE') : testFiles(files, values.json);
  }
  if (files.length > 0) return misused('list takes no FILE; see --config');
  return list(values.config, values.json);
}

function misused(message: string): number {
  process.stderr.write(`vedette rules: ${message}\nSee vedette rules --help.\n`);
  return 2;
}

const SHIPPED: EngineSettings = {
  installation: 'test',
  inventory: EMPTY_INVENTORY,
  rules: DEFAULT_PACK.rules,
  timing: DEFAULT_PACK.timing,
  watches: [],
};

/** Undefined: the configuration is wrong, and why has been told. */
async function settingsOf(config: string | undefined): Promise<EngineSettings | undefined> {
  if (config === undefined) return SHIPPED;
  const loaded = await loadConfig(config, process.env);
  if (loaded.ok) return engineSettings(loaded.config, 'test', DEFAULT_PACK);
  for (const problem of loaded.problems) process.stderr.write(`${problemText(problem)}\n`);
  return undefined;
}

async function list(config: string | undefined, isJson: boolean): Promise<number> {
  const settings = await settingsOf(config);
  if (settings === undefined) return 78;
  const { rules } = settings;
  if (isJson) {
    process.stdout.write(`${JSON.stringify(rules, null, 2)}\n`);
    return 0;
  }
  const width = Math.max(...rules.map(({ id }) => id.length));
  for (const { id, on, where, severity, cause, reason, enabled } of rules) {
    const state = enabled ? severity : 'off';
    process.stdout.write(
      `${id.padEnd(width)}  ${state.padEnd(8)}  ${on.join(', ')}${placesOf(where)}: ${cause}\n`,
    );
    process.stdout.write(`${' '.repeat(width + 2)}${reason}\n`);
  }
  return 0;
}

/** A rule tuned for some subjects stands several times in the list. */
function placesOf(where: Selector | undefined): string {
  const { subjects = [], sites = [], linkKinds = [], except = [] } = where ?? {};
  const only = [...subjects, ...sites.map((site) => `site ${site}`), ...linkKinds];
  return `${only.length > 0 ? ` (${only.join(', ')})` : ''}${except.length > 0 ? ' (all others)' : ''}`;
}

async function testFiles(files: readonly string[], isJson: boolean): Promise<number> {
  const results: (RuleTestResult & { readonly file: string })[] = [];
  for (const file of files) {
    const loaded = await loadRuleTests(file);
    if (!loaded.ok) {
      for (const problem of loaded.problems) process.stderr.write(`${problemText(problem)}\n`);
      return 78;
    }
    const settings = await settingsOf(loaded.config);
    if (settings === undefined) return 78;
    results.push(...runRuleTests(loaded, settings).map((result) => ({ file, ...result })));
  }
  const failed = results.filter(({ ok }) => !ok).length;
  if (isJson) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else tell(results);
  process.stderr.write(`${results.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function tell(results: readonly RuleTestResult[]): void {
  for (const { name, ok, failures } of results) {
    process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name}\n`);
    for (const failure of failures) process.stdout.write(`      ${failure}\n`);
  }
}
