import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A stretch of a real round-trip trace in which nobody labelled anything. Milliseconds. */
export interface QuietTrace {
  readonly name: string;
  /** Running median of five samples: where the path lies. */
  readonly level: Float64Array;
  /** What each sample was above or below that. */
  readonly residual: Float64Array;
  /** From one sample to the next, s. */
  readonly every: number;
}

interface Labels {
  readonly changes: readonly number[];
  readonly windows: readonly Span[];
  readonly ignore: readonly Span[];
  readonly evident: readonly Span[];
}
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the labelled round-trip traces are, beside the checkout; they are not part of it. */
export const RTT_DATA = join(import.meta.dirname, '../../../shared/data/rtt');
export const hasQuietTraces = (): boolean => existsSync(RTT_DATA);

/** Two days at one sample every four minutes. */
const FEWEST = 720;
const EVERY = 240;

/** The longest quiet stretch of each trace that has one of two days or more, by name. */
export function loadQuietTraces(folder = RTT_DATA): QuietTrace[] {
  const labels = JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8')) as Record<
    string,
    Labels
  >;
  return readdirSync(join(folder, 'series'))
    .sort()
    .flatMap((file) => {
      const name = file.replace(/\.csv$/, '');
      const label = labels[name];
      const stretch = label && longestQuiet(readSeries(join(folder, 'series', file)), label);
      return stretch === undefined || stretch.length < FEWEST ? [] : [traceOf(name, stretch)];
    });
}

interface Point {
  readonly at: number;
  readonly value: number;
}

const readSeries = (file: string): Point[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [at, value] = line.split(',').map(Number);
      return { at: at as number, value: value as number };
    });

function longestQuiet(points: readonly Point[], label: Labels): Point[] {
  const spans = [...label.windows, ...label.ignore, ...label.evident];
  const isLoud = ({ at }: Point) =>
    // A quarter of an hour around a labelled moment belongs to it.
    label.changes.some((change) => Math.abs(change - at) < 900) ||
    spans.some(({ start, end }) => at >= start - 900 && at <= end + 900);
  let best: Point[] = [];
  let run: Point[] = [];
  for (const point of points) {
    if (isLoud(point)) run = [];
    else run.push(point);
    if (run.length > best.length) best = run;
  }
  // A lost probe is loss, which the link model makes by itself.
  return best.filter(({ value }) => value > 0);
}

function traceOf(name: string, points: readonly Point[]): QuietTrace {
  const values = points.map(({ value }) => value);
  const level = Float64Array.from(values, (_, i) => {
    const near = values.slice(Math.max(0, i - 2), i + 3).sort((a, b) => a - b);
    return near[near.length >> 1] as number;
  });
  const residual = Float64Array.from(values, (value, i) => value - (level[i] as number));
  return { name, level, residual, every: EVERY };
}
