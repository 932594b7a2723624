import { describe, expect, test } from 'vitest';
import { measureCurve } from '../injection/curve.ts';
import type { Opened } from '../injection/drive.ts';
import { runQuiet } from '../injection/quiet.ts';
import { hasQuietTraces, loadQuietTraces } from '../injection/quiet-traces.ts';

const HOUR = 3600;
const titles = (opened: readonly Opened[]): string =>
  opened.map(({ at, view }) => `${at} s: ${view.title}`).join('; ');

const isHere = hasQuietTraces();
if (!isHere)
  process.stderr.write('SKIPPED: injection corpus: no labelled traces beside the checkout\n');

/** Real quiet round-trip traces; a hundredth of the bench that docs/detection.md quotes. */
describe.skipIf(!isHere)('on links that behave like real quiet ones', () => {
  const traces = isHere ? loadQuietTraces() : [];

  test('two hundred healthy link-days bring at most one ticket and no storm at the start', {
    timeout: 120_000,
  }, () => {
    const run = runQuiet(traces, { links: 100, days: 2, seed: 7 });
    expect(run.samples).toBeGreaterThan(10_000_000);
    // The budget is one in 1,000 link-days, so two in 200 are a chance of 1 in 60, and three a defect.
    expect(run.routed.length, titles(run.routed)).toBeLessThanOrEqual(1);
    // A start is no storm: what a line always was is no news.
    expect(run.routed.filter(({ at }) => at < HOUR)).toEqual([]);
    // Nobody reads a page on which one link in twenty is marked although nothing is wrong.
    expect(run.mostOpen).toBeLessThan(5);
    expect(run.listed.length).toBeLessThan(20);
  });

  test('large faults are told soon and small ones later, none before it begins', {
    timeout: 120_000,
  }, () => {
    const curve = measureCurve({
      traces,
      trials: 4,
      every: 5,
      seed: 3,
      warmUp: 6 * 3600,
      faultLasts: 7200,
    });
    const of = (kind: string, size: number) =>
      curve.points.find((point) => point.kind === kind && point.size === size);
    expect(of('steady loss', 100)).toMatchObject({ detected: 4 });
    expect(of('steady loss', 100)?.median).toBeLessThan(10);
    expect(of('steady loss', 20)?.median).toBeLessThan(60);
    expect(of('steady loss', 5)).toMatchObject({ detected: 4 });
    expect(of('one-way step', 50)).toMatchObject({ detected: 4 });
    expect(of('jitter', 2)).toMatchObject({ detected: 0 });
    expect(curve.falseRouted).toBe(0);
  });
});
