import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Static, Type } from 'typebox';
import { DERIVED_METRICS, METRICS } from '../protocol/model/metrics.ts';
import { SUBJECT_PATTERN } from '../protocol/model/subject.ts';
import { checkTree } from './check.ts';
import {
  type ConfigProblem,
  DEFAULT_ORIGIN,
  type Origin,
  pathText,
  sortProblems,
} from './problem.ts';
import { spreadValues } from './rule-test-values.ts';
import { duration, Id, optionalDuration, strict, Text } from './schema-words.ts';
import type { Shape } from './shape.ts';
import { parseTree } from './tree.ts';
import { didYouMean } from './words.ts';

const Subject = Type.String({
  pattern: SUBJECT_PATTERN,
  expected: 'a subject such as link:lyon-mpls or device:lyon-r1',
});

const Series = Type.Object(
  {
    metric: Text,
    subject: Subject,
    agent: Type.Optional(Id),
    every: optionalDuration('From one value to the next; that of the test when left out'),
    values: Type.String({
      minLength: 1,
      maxLength: 100_000,
      expected: 'values such as 0x10 0.2x6 _ 0x20',
      description: 'As promtool writes them: 1x4 is five ones, 1+2x3 is 1 3 5 7, _ is no sample',
    }),
  },
  strict,
);

const Expectation = Type.Object(
  {
    at: Type.String({
      pattern: '^[0-9]{1,9}(\\.[0-9]{1,3})?(ms|s|m|h|d)$',
      expected: 'a time after the beginning such as 90s or 10m',
    }),
    firing: Type.Array(Type.Object({ rule: Id, subject: Subject }, strict), {
      maxItems: 1000,
      description: 'Exactly these alerts fire then; an empty list: none',
    }),
  },
  strict,
);

const RuleTest = Type.Object(
  {
    name: Text,
    every: duration('5s', 'From one value of a series to the next'),
    start: Type.String({
      default: '2026-01-05T00:00:00Z',
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
      expected: 'a time in UTC such as 2026-01-05T00:00:00Z (a Monday)',
    }),
    rules: Type.Optional(
      Type.Array(Id, { description: 'Only these rules are looked at; all when left out' }),
    ),
    silent: Type.Array(Id, {
      default: [],
      description: 'Agents without heartbeat; all others send one every 5 s',
    }),
    series: Type.Array(Series, { minItems: 1, maxItems: 1000 }),
    expect: Type.Array(Expectation, { minItems: 1, maxItems: 1000 }),
  },
  strict,
);

const RuleTestFile = Type.Object(
  {
    config: Type.Optional(
      Type.String({
        minLength: 1,
        expected: 'the path of a configuration',
        description: 'Its rules and inventory are tested; the rules that ship when left out',
      }),
    ),
    tests: Type.Array(RuleTest, { minItems: 1, maxItems: 10_000 }),
  },
  strict,
);
export type RuleTest = Static<typeof RuleTest>;

export interface LoadedRuleTests {
  readonly ok: true;
  /** Absolute, when the file names one. */
  readonly config: string | undefined;
  readonly tests: readonly RuleTest[];
  /** Where a part was written, by JSON Pointer (`/tests/0/expect/2`). */
  readonly placeOf: (pointer: string) => Origin;
}

/** Reads and checks a file of rule tests. */
export async function loadRuleTests(
  file: string,
): Promise<LoadedRuleTests | { readonly ok: false; readonly problems: readonly ConfigProblem[] }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const message = `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    return { ok: false, problems: [{ at: { source: file }, path: '', message }] };
  }
  const parsed = parseTree(text, file);
  if (parsed.problems.length > 0) return { ok: false, problems: parsed.problems };
  const checked = checkTree(RuleTestFile as object as Shape, parsed.tree);
  const placeOf = (pointer: string) => checked.origins.get(pointer) ?? DEFAULT_ORIGIN;
  const content = checked.value as Static<typeof RuleTestFile>;
  const problems = [...checked.problems];
  if (problems.length === 0) problems.push(...checkSeries(content.tests, placeOf));
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const config =
    content.config === undefined ? undefined : path.resolve(path.dirname(file), content.config);
  return { ok: true, config, tests: content.tests, placeOf };
}

function checkSeries(
  tests: readonly RuleTest[],
  placeOf: (pointer: string) => Origin,
): ConfigProblem[] {
  return tests.flatMap((one, t) =>
    one.series.flatMap(({ metric, values }, s) => {
      const pointer = `/tests/${t}/series/${s}`;
      const problem = (field: string, message: string): ConfigProblem => ({
        at: placeOf(`${pointer}/${field}`),
        path: pathText(`${pointer}/${field}`),
        message,
      });
      const wrongMetric = metricProblem(metric);
      if (wrongMetric !== undefined) return [problem('metric', wrongMetric)];
      const spread = spreadValues(values);
      return spread.ok ? [] : [problem('values', spread.message)];
    }),
  );
}

function metricProblem(metric: string): string | undefined {
  if (Object.hasOwn(METRICS, metric)) return undefined;
  if (Object.hasOwn(DERIVED_METRICS, metric)) {
    return `${metric} is derived by detection; give the counter that it is made of`;
  }
  return `there is no metric "${metric}"${didYouMean(metric, Object.keys(METRICS))}`;
}
