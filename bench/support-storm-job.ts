import { add, createTally, type Tally } from './support-storm-figures.ts';
import { judgeStorm } from './support-storm-run.ts';

/** Which storms one process plays: every `step`-th seed from `from` to before `until`. */
export interface StormJob {
  readonly from: number;
  readonly until: number;
  readonly step: number;
  readonly maxBranches: number;
  readonly minutes: number;
}

/** A line for people, or at the end what it all came to. */
export type FromStormJob = { readonly line: string } | { readonly tally: Tally };

export function playStorms(
  { from, until, step, maxBranches, minutes }: StormJob,
  say: (line: string) => void,
): Tally {
  const tally = createTally();
  const end = performance.now() + minutes * 60_000;
  for (let seed = from; seed < until && performance.now() <= end; seed += step) {
    const { score, result } = judgeStorm({ seed, maxBranches });
    add(tally, score, result);
    for (const wrong of score.wrongs) say(`seed ${seed}: ${wrong}`);
    for (const late of score.slow) say(`seed ${seed}: ${late}`);
  }
  return tally;
}

// A process of its own, asked by `bench/storm.ts`; storms share nothing.
process.on('message', (job: StormJob) => {
  const tell = (told: FromStormJob, then = (): void => {}): void => {
    process.send?.(told, then);
  };
  const tally = playStorms(job, (line) => tell({ line }));
  tell({ tally }, () => process.exit());
});
