import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RangeView } from '../../../protocol/wire/views.ts';
import { roundWords, timeOfDay, valueWords } from '../parts/words.ts';

export interface ChartContent {
  readonly range: RangeView;
  readonly limit: number | undefined;
  readonly isBreach: (value: number, at: number) => boolean;
  /** The incident's band; without an end it goes on. */
  readonly from: number;
  readonly to: number | undefined;
}

export interface Chart {
  show(content: ChartContent): void;
  destroy(): void;
}

const HEIGHT = 260;
/** Longer without a sample is drawn as a gap: nobody knows what was there. */
const GAP_FACTOR = 4;
/** Above so many samples big points would hide each other. */
const MANY = 300;
/** A share jumps from round to round: a line between would tell of values that never were. */
const BARS: Partial<uPlot.Series> = {
  width: 0,
  paths: uPlot.paths.bars?.({ size: [0.9, 12, 3] }) ?? (() => null),
  points: { show: false },
};

/** A graph that takes its colours from the page's palette, and takes them again when it changes. */
export function createChart(box: HTMLElement): Chart {
  let plot: uPlot | undefined;
  let content: ChartContent | undefined;
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const resized = new ResizeObserver(() => {
    plot?.setSize({ width: box.clientWidth, height: HEIGHT });
  });
  resized.observe(box);
  scheme.addEventListener('change', rebuild);

  return {
    show(next) {
      const isOther = content?.range.series !== next.range.series || content.limit !== next.limit;
      content = next;
      if (plot === undefined || isOther) rebuild();
      else plot.setData(columns(next));
    },
    destroy() {
      resized.disconnect();
      scheme.removeEventListener('change', rebuild);
      plot?.destroy();
    },
  };

  function rebuild(): void {
    plot?.destroy();
    if (content === undefined) return;
    plot = new uPlot(options(), columns(content), box);
  }

  function options(): uPlot.Options {
    const style = getComputedStyle(box);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const metric = content?.range.metric ?? '';
    const isShare = metric.endsWith('_ratio');
    const axis: uPlot.Axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    return {
      width: box.clientWidth,
      height: HEIGHT,
      ms: 1,
      cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
      legend: { show: true, live: true, markers: { show: false } },
      scales: { y: { range: (_plot, _min, max) => [0, headroom(max, content?.limit)] } },
      axes: [
        {
          ...axis,
          values: (_plot, splits) =>
            splits.map((at) => timeOfDay(at).slice(0, isShort(splits) ? 8 : 5)),
        },
        { ...axis, size: 62, values: (_plot, splits) => splits.map((v) => roundWords(metric, v)) },
      ],
      series: [
        { label: 'At', value: (_plot, at) => (at === null ? '–' : timeOfDay(at)) },
        {
          label: 'Value',
          stroke: colour('--accent'),
          ...(isShare
            ? { fill: colour('--accent'), ...BARS }
            : { width: 1.6, points: { show: false } }),
          value: (_plot, value) => (value === null ? '–' : valueWords(metric, value)),
        },
        {
          label: 'Broke the rule',
          stroke: colour('--down'),
          fill: colour('--down'),
          ...(isShare
            ? BARS
            : {
                paths: () => null,
                points: {
                  show: true,
                  size: (content?.range.at.length ?? 0) > MANY ? 3 : 5,
                  width: 0,
                  fill: colour('--down'),
                },
              }),
          value: (_plot, value) => (value === null ? 'no' : 'yes'),
        },
      ],
      hooks: {
        drawClear: [(u) => drawBand(u, colour('--band'), colour('--down'))],
        draw: [(u) => drawLimit(u, colour('--degraded'))],
      },
    };
  }

  function drawBand(u: uPlot, fill: string, edge: string): void {
    if (content === undefined) return;
    const { left, top, width, height } = u.bbox;
    const x = (at: number) => Math.min(left + width, Math.max(left, u.valToPos(at, 'x', true)));
    const from = x(content.from);
    const to = content.to === undefined ? left + width : x(content.to);
    u.ctx.fillStyle = fill;
    u.ctx.fillRect(from, top, to - from, height);
    u.ctx.fillStyle = edge;
    u.ctx.fillRect(from, top, devicePixelRatio, height);
    if (content.to !== undefined) u.ctx.fillRect(to, top, devicePixelRatio, height);
  }

  function drawLimit(u: uPlot, colour: string): void {
    if (content?.limit === undefined) return;
    const { left, width } = u.bbox;
    const y = u.valToPos(content.limit, 'y', true);
    u.ctx.save();
    u.ctx.strokeStyle = colour;
    u.ctx.lineWidth = 1.5 * devicePixelRatio;
    u.ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
    u.ctx.restore();
  }
}

/** Ticks less than a minute apart need seconds, or two of them read the same. */
const isShort = (splits: readonly number[]): boolean =>
  (splits[1] ?? Number.POSITIVE_INFINITY) - (splits[0] ?? 0) < 60_000;

function headroom(max: number, limit: number | undefined): number {
  const top = Math.max(Number.isFinite(max) ? max : 0, limit ?? 0);
  return top === 0 ? 1 : top * 1.12;
}

/** Time, value, and the value again where it broke the rule; empty columns where samples are missing. */
function columns({ range, isBreach }: ChartContent): uPlot.AlignedData {
  const at: number[] = [];
  const value: (number | null)[] = [];
  const breach: (number | null)[] = [];
  const usual = usualStep(range.at);
  range.at.forEach((time, n) => {
    const before = range.at[n - 1];
    if (before !== undefined && time - before > usual * GAP_FACTOR) {
      at.push(before + usual);
      value.push(null);
      breach.push(null);
    }
    const v = range.value[n] ?? 0;
    at.push(time);
    value.push(v);
    breach.push(isBreach(v, time) ? v : null);
  });
  return [at, value, breach];
}

function usualStep(at: readonly number[]): number {
  const steps = at.slice(1).map((time, n) => time - (at[n] ?? time));
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? Number.POSITIVE_INFINITY;
}
