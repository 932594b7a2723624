import { originText } from '../config/problem.ts';
import { spreadValues } from '../config/rule-test-values.ts';
import type { LoadedRuleTests, RuleTest } from '../config/rule-tests.ts';
import { parseDuration } from '../config/words.ts';
import type { Fact } from '../protocol/model/fact.ts';
import { METRICS, type MetricName } from '../protocol/model/metrics.ts';
import type { Series } from '../protocol/model/sample.ts';
import type { SubjectKey } from '../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import { createEngine } from '../rules/engine.ts';
import type { EngineSettings } from '../rules/settings.ts';
import { createDrive } from './replay-drive.ts';
import type { ReplayInput } from './replay-lines.ts';

export interface RuleTestResult {
  readonly name: string;
  readonly ok: boolean;
  /** One per expectation that does not hold, with its place in the file. */
  readonly failures: readonly string[];
}

const HEARTBEAT_MS = 5000;
const TEST_AGENT = 'test';

/** Runs the tests of a file through the live engine in virtual time. */
export const runRuleTests = (
  { tests, placeOf }: LoadedRuleTests,
  settings: EngineSettings,
): RuleTestResult[] =>
  tests.map((one, n) => {
    const failures = failuresOf(one, settings, (e) =>
      originText(placeOf(`/tests/${n}/expect/${e}`)),
    );
    return { name: one.name, ok: failures.length === 0, failures };
  });

/** `link-loss on link:lyon-mpls`: who sees it does not matter to a test. */
const nameOf = (rule: string, subject: string): string => `${rule} on ${subject}`;

function failuresOf(
  one: RuleTest,
  settings: EngineSettings,
  placeOf: (expectation: number) => string,
): string[] {
  const start = Date.parse(one.start);
  const seen = firingOver(one, settings, start);
  const isLookedAt = (name: string) => one.rules?.includes(name.split(' on ')[0] ?? '') ?? true;
  return one.expect.flatMap(({ at, firing }, n) => {
    const now = start + parseDuration(at);
    const wanted = new Set(firing.map(({ rule, subject }) => nameOf(rule, subject)));
    const found = new Set(
      seen
        .filter(({ from, until, name }) => from <= now && now < until && isLookedAt(name))
        .map(({ name }) => name),
    );
    const missing = [...wanted].filter((name) => !found.has(name));
    const extra = [...found].filter((name) => !wanted.has(name));
    return [
      ...missing.map(
        (name) =>
          `${placeOf(n)}: at ${at} expected ${name}, which does not fire${history(seen, name, start)}`,
      ),
      ...extra.map(
        (name) =>
          `${placeOf(n)}: at ${at} nobody expected ${name}, which fires${history(seen, name, start)}`,
      ),
    ];
  });
}

interface Firing {
  readonly name: string;
  readonly from: number;
  until: number;
}

/** When it fires instead: the first thing one wants to know. */
function history(seen: readonly Firing[], name: string, start: number): string {
  const times = seen.filter((one) => one.name === name);
  if (times.length === 0) return '';
  const second = (at: number) =>
    Number.isFinite(at) ? `${Math.round((at - start) / 1000)}s` : 'the end';
  return ` (fires ${times.map(({ from, until }) => `${second(from)} to ${second(until)}`).join(', ')})`;
}

function firingOver(one: RuleTest, settings: EngineSettings, start: number): Firing[] {
  const seen: Firing[] = [];
  const open = new Map<string, Firing>();
  const take = (facts: readonly Fact[]): void => {
    for (const fact of facts) {
      if (fact.kind === 'alert.fired') {
        const { key, rule, subject } = fact.alert;
        const firing = {
          name: nameOf(rule, subject),
          from: fact.at,
          until: Number.POSITIVE_INFINITY,
        };
        seen.push(firing);
        open.set(key, firing);
      } else if (fact.kind === 'alert.resolved') {
        const firing = open.get(fact.alert);
        if (firing !== undefined) firing.until = fact.at;
        open.delete(fact.alert);
      }
    }
  };
  const drive = createDrive(createEngine(settings), take);
  drive.take(inputsOf(one, settings, start));
  drive.end();
  return seen;
}

/** Everything that happens in the test, by time. */
function inputsOf(one: RuleTest, settings: EngineSettings, start: number): ReplayInput[] {
  const inputs: ReplayInput[] = one.series.flatMap((line) => samplesOf(one, line, settings, start));
  const last = Math.max(
    ...inputs.map((input) => input.arrival),
    ...one.expect.map(({ at }) => start + parseDuration(at)),
  );
  // One second more: the ticks of the last expectation must be over.
  inputs.push({ kind: 'tick', arrival: epochMs(last + 1000) });
  const agents = settings.inventory.agents.filter(({ id }) => !one.silent.includes(id));
  for (let at = start; at <= last; at += HEARTBEAT_MS) {
    for (const { id } of agents) {
      inputs.push({ kind: 'heartbeat', arrival: epochMs(at), agent: id });
    }
  }
  for (let at = start; at <= last; at += 1000) inputs.push({ kind: 'tick', arrival: epochMs(at) });
  return inputs.sort((a, b) => a.arrival - b.arrival);
}

function samplesOf(
  one: RuleTest,
  { metric: name, subject: about, agent, every, values }: RuleTest['series'][number],
  settings: EngineSettings,
  start: number,
): ReplayInput[] {
  const step = parseDuration(every ?? one.every);
  const metric = name as MetricName;
  const subject = about as SubjectKey;
  const isCounter = METRICS[metric].kind === 'counter';
  const watcher = settings.watches.find(({ subjects }) => subjects.includes(subject))?.agent;
  const series: Series = {
    metric,
    subject,
    agent: agent ?? watcher ?? TEST_AGENT,
    every: durationMs(step),
    ...(isCounter ? { bits: 64 as const } : {}),
  };
  const spread = spreadValues(values);
  if (!spread.ok) throw new Error(spread.message);
  return spread.values.flatMap((value, n) => {
    if (value === undefined) return [];
    const at: EpochMs = epochMs(start + n * step);
    const exact = isCounter ? BigInt(Math.round(value)) : value;
    return [{ kind: 'sample' as const, arrival: at, sample: { series, at, value: exact } }];
  });
}
