import type { RangeView } from '../../../protocol/wire/views.ts';

interface Asked {
  readonly range: RangeView;
  readonly isBreach: (value: number, at: number) => boolean;
}

type Column = (number | null)[];

/** Longer without a sample is drawn as a gap: nobody knows what was there. */
const GAP_FACTOR = 4;

/**
 * Time, (highest, 95th percentile, lowest,) value, and the value again where it broke the rule; empty
 * rows where figures are missing, so that no line goes over what nobody saw.
 */
export function columnsOf({ range, isBreach }: Asked): Column[] {
  const isSmoke = range.form === 'buckets';
  const at: number[] = [];
  const { max = [], p95 = [], min = [], p50 = range.value } = range;
  const sources = isSmoke ? [max, p95, min, p50] : [range.value];
  const shown: Column[] = sources.map(() => []);
  const breach: Column = [];
  const usual = range.step ?? usualStep(range.at);
  const judged = isSmoke ? max : range.value;
  range.at.forEach((time, n) => {
    const before = range.at[n - 1];
    const isGap = before !== undefined && time - before > usual * (isSmoke ? 1.5 : GAP_FACTOR);
    if (isGap) {
      at.push(before + usual);
      for (const column of shown) column.push(null);
      breach.push(null);
    }
    at.push(time);
    for (const [of, column] of shown.entries()) column.push(sources[of]?.[n] ?? null);
    const value = judged[n] ?? 0;
    breach.push(isBreach(value, time) ? (shown.at(-1)?.at(-1) ?? value) : null);
  });
  return [at, ...shown, breach];
}

function usualStep(at: readonly number[]): number {
  const steps = at.slice(1).map((time, n) => time - (at[n] ?? time));
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? Number.POSITIVE_INFINITY;
}
