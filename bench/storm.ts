import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { record } from '../lab/storm/recording.ts';
import { missingEdges, storyOf } from '../lab/storm/story.ts';
import type { Figure } from './figure.ts';
import { createTally, figuresOf, type Tally } from './support-storm-figures.ts';
import type { FromStormJob, StormJob } from './support-storm-job.ts';
import { engineListener, judgeStorm, settingsOf } from './support-storm-run.ts';

/**
 * Storms: random WANs with 1 to 5 random faults through the whole engine in virtual time.
 *
 *   node bench/main.ts storm --storms=1000 [--from=SEED] [--max-branches=N] [--minutes=N] [--jobs=N]
 *                                              as many as begin within so many minutes, in so many processes
 *   node bench/main.ts storm --seed=SEED --trace       the story of one storm
 *   node bench/main.ts storm --seed=SEED --record=FILE its inputs, for vedette replay
 */
export const name = 'storm';

interface StormArguments {
  readonly storms: number;
  readonly from: number;
  readonly maxBranches: number;
  readonly minutes: number;
  readonly jobs: number;
  readonly seed: number | undefined;
  readonly hasTrace: boolean;
  readonly record: string | undefined;
}

function argumentsOf(argv: readonly string[]): StormArguments {
  const { values } = parseArgs({
    args: argv.filter((arg) => arg.startsWith('--') && arg !== '--'),
    strict: false,
    options: {
      storms: { type: 'string' },
      from: { type: 'string' },
      'max-branches': { type: 'string' },
      minutes: { type: 'string' },
      jobs: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean' },
      record: { type: 'string' },
    },
  });
  const number = (value: unknown, otherwise: number): number =>
    typeof value === 'string' && Number.isInteger(Number(value)) ? Number(value) : otherwise;
  return {
    storms: number(values.storms, 1000),
    from: number(values.from, 1),
    maxBranches: number(values['max-branches'], 2_000),
    minutes: number(values.minutes, Number.MAX_SAFE_INTEGER),
    jobs: Math.max(1, number(values.jobs, availableParallelism())),
    seed: values.seed === undefined ? undefined : number(values.seed, 1),
    hasTrace: values.trace === true,
    record: typeof values.record === 'string' ? values.record : undefined,
  };
}

/** One storm, told or written down; nothing is measured, so the page of benchmarks stays as it is. */
async function tellOne(
  seed: number,
  { maxBranches, record: file, hasTrace }: StormArguments,
): Promise<never> {
  let lines: readonly string[] = [];
  const { plan, truths, result, score } = judgeStorm({ seed, maxBranches }, (storm) => {
    const settings = settingsOf(storm);
    const recording = record(engineListener(settings), settings);
    lines = recording.lines;
    return file === undefined ? engineListener(settings) : recording.listener;
  });
  if (file !== undefined) writeFileSync(file, `${lines.join('\n')}\n`);
  const unknown = missingEdges(plan).map((line) => `  ${line}`);
  const text = hasTrace
    ? [storyOf(plan, truths, result.facts, score), 'The inventory does not know that:', ...unknown]
    : score.wrongs;
  // A story is longer than a pipe: it must be read before we go.
  await new Promise((resolve) => process.stdout.write(`${text.join('\n')}\n`, resolve));
  process.exit(0);
}

export async function run(): Promise<Figure[]> {
  const options = argumentsOf(process.argv.slice(2));
  if (options.seed !== undefined) await tellOne(options.seed, options);
  const { from, storms, maxBranches, minutes } = options;
  const jobs = Math.min(options.jobs, storms);
  const shares = Array.from(
    { length: jobs },
    (_, n): StormJob => ({
      from: from + n,
      until: from + storms,
      step: jobs,
      maxBranches,
      minutes,
    }),
  );
  const tallies = await Promise.all(shares.map(playBeside));
  return figuresOf(tallies.reduce(merged, createTally()));
}

/** Storms share nothing, so every core plays its own. */
function playBeside(job: StormJob): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./support-storm-job.ts', import.meta.url));
    child.on('message', (told: FromStormJob) => {
      if ('line' in told) console.log(told.line);
      else resolve(told.tally);
    });
    child.once('exit', (code) => reject(new Error(`a storm job ended by itself (${code})`)));
    child.send(job);
  });
}

function merged(a: Tally, b: Tally): Tally {
  const sum = (of: (tally: Tally) => number): number => of(a) + of(b);
  return {
    storms: sum((one) => one.storms),
    failed: sum((one) => one.failed),
    tickets: sum((one) => one.tickets),
    sent: sum((one) => one.sent),
    deserved: sum((one) => one.deserved),
    unexplained: sum((one) => one.unexplained),
    onRecovery: sum((one) => one.onRecovery),
    samples: sum((one) => one.samples),
    facts: sum((one) => one.facts),
    listenedMs: sum((one) => one.listenedMs),
    faults: [...a.faults, ...b.faults],
  };
}
