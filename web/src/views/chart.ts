import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RangeView } from '../../../protocol/wire/views.ts';
import { clockOf, dateOf, fullTime, roundWords, timeOfDay, valueWords } from '../parts/words.ts';
import { columnsOf } from './columns.ts';

export interface ChartMark {
  readonly at: number;
  readonly label: string;
}

export interface ChartContent {
  readonly range: RangeView;
  /** What was asked for: the axis has it all, also where there is nothing. */
  readonly from: number;
  readonly to: number;
  readonly limit: number | undefined;
  /** Where the series usually lies. */
  readonly usual: { readonly low: number; readonly high: number } | undefined;
  readonly isBreach: (value: number, at: number) => boolean;
  /** The incident; without an end it goes on. */
  readonly band: { readonly from: number; readonly to: number | undefined } | undefined;
  readonly marks: readonly ChartMark[];
}

export interface Chart {
  show(content: ChartContent): void;
  destroy(): void;
}

const HEIGHT = 260;
/** Above so many samples big points would hide each other. */
const MANY = 300;
/** Fewer samples than this are drawn as points too: a line of two would hardly be seen. */
const FEW = 30;
const DAY_MS = 86_400_000;
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
      const isOther =
        content?.range.series !== next.range.series ||
        content.range.form !== next.range.form ||
        content.range.at.length < FEW !== next.range.at.length < FEW ||
        content.limit !== next.limit;
      content = next;
      if (plot === undefined || isOther) rebuild();
      else plot.setData(columnsOf(next) as uPlot.AlignedData);
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
    plot = new uPlot(options(content), columnsOf(content) as uPlot.AlignedData, box);
  }

  function options({ range: { metric, form, at } }: ChartContent): uPlot.Options {
    const style = getComputedStyle(box);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const isShare = metric.endsWith('_ratio');
    const isSmoke = form === 'buckets';
    const words = (value: number | null) => (value === null ? '–' : valueWords(metric, value));
    const axis: uPlot.Axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const unseen: uPlot.Series = { width: 0, points: { show: false } };
    const smoke: uPlot.Series[] = [
      { ...unseen, label: 'Highest', value: (_plot, value) => words(value) },
      { ...unseen, label: '95 % below', value: (_plot, value) => words(value) },
      { ...unseen, label: 'Lowest', value: (_plot, value) => words(value) },
    ];
    return {
      width: box.clientWidth,
      height: HEIGHT,
      ms: 1,
      cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
      legend: { show: true, live: true, markers: { show: false } },
      scales: {
        x: {
          range: (_plot, min, max) =>
            content === undefined ? [min, max] : [content.from, content.to],
        },
        y: { range: (_plot, _min, max) => [0, headroom(max, content)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          values: (_plot, splits) => splits.map((time, n) => tick(time, n, splits)),
        },
        { ...axis, size: 66, values: (_plot, splits) => splits.map((v) => roundWords(metric, v)) },
      ],
      series: [
        {
          label: 'At',
          value: (_plot, time) =>
            time === null ? '–' : isLong() ? fullTime(time) : timeOfDay(time),
        },
        ...(isSmoke ? smoke : []),
        {
          label: isSmoke ? 'Median' : 'Value',
          stroke: colour('--accent'),
          ...(isShare && !isSmoke
            ? { fill: colour('--accent'), ...BARS }
            : { width: 1.6, points: { show: at.length < FEW, size: 4 } }),
          value: (_plot, value) => words(value),
        },
        {
          label: 'Broke the rule',
          stroke: colour('--down'),
          fill: colour('--down'),
          ...(isShare && !isSmoke
            ? BARS
            : {
                paths: () => null,
                points: {
                  show: true,
                  size: at.length > MANY ? 3 : 5,
                  width: 0,
                  fill: colour('--down'),
                },
              }),
          value: (_plot, value) => (value === null ? 'no' : 'yes'),
        },
      ],
      ...(isSmoke && {
        bands: [
          { series: [1, 3], fill: colour('--smoke') },
          { series: [2, 3], fill: colour('--smoke') },
        ],
      }),
      hooks: {
        drawClear: [(u) => drawBehind(u, colour)],
        draw: [(u) => drawBefore(u, colour, style.fontFamily)],
      },
    };
  }

  function isLong(): boolean {
    return content !== undefined && content.to - content.from > 1.5 * DAY_MS;
  }

  /** What is usual, when the incident was, and where nothing is on record. */
  function drawBehind(u: uPlot, colour: (name: string) => string): void {
    if (content === undefined) return;
    const { left, top, width, height } = u.bbox;
    const x = (at: number) => Math.min(left + width, Math.max(left, u.valToPos(at, 'x', true)));
    const y = (v: number) => Math.min(top + height, Math.max(top, u.valToPos(v, 'y', true)));
    const { usual, band, range } = content;
    if (usual !== undefined) {
      u.ctx.fillStyle = colour('--usual');
      const from = y(usual.high);
      u.ctx.fillRect(left, from, width, Math.max(2 * devicePixelRatio, y(usual.low) - from));
    }
    if (band !== undefined) {
      const from = x(band.from);
      const to = band.to === undefined ? left + width : x(band.to);
      u.ctx.fillStyle = colour('--band');
      u.ctx.fillRect(from, top, to - from, height);
    }
    for (const gap of range.gaps ?? []) hatch(u, x(gap.from), x(gap.to), colour('--line-strong'));
  }

  function hatch(u: uPlot, from: number, to: number, colour: string): void {
    const { top, height } = u.bbox;
    const { ctx } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, top, Math.max(devicePixelRatio, to - from), height);
    ctx.clip();
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    for (let at = from - height; at < to; at += 7 * devicePixelRatio) {
      ctx.beginPath();
      ctx.moveTo(at, top + height);
      ctx.lineTo(at + height, top);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** The limit, and what happened when. */
  function drawBefore(u: uPlot, colour: (name: string) => string, font: string): void {
    if (content === undefined) return;
    const { left, width } = u.bbox;
    const { ctx } = u;
    ctx.save();
    if (content.limit !== undefined) {
      const y = u.valToPos(content.limit, 'y', true);
      ctx.strokeStyle = colour('--degraded');
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      line(ctx, left, y, left + width, y);
      ctx.setLineDash([]);
    }
    const { from, to } = content;
    const marks = content.marks.filter(({ at }) => at >= from && at <= to);
    ctx.font = `${11 * devicePixelRatio}px ${font}`;
    ctx.strokeStyle = colour('--down');
    ctx.fillStyle = colour('--ink');
    drawMarks(u, marks);
    ctx.restore();
  }
}

function drawMarks(u: uPlot, marks: readonly ChartMark[]): void {
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  const pad = 4 * devicePixelRatio;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.lineWidth = devicePixelRatio;
  /** Where each line of labels is free again: labels that would lie on each other go a line down. */
  const free: number[] = [];
  for (const { at, label } of [...marks].sort((a, b) => a.at - b.at)) {
    const x = u.valToPos(at, 'x', true);
    line(ctx, x, top, x, top + height);
    const room = ctx.measureText(label).width;
    const isLast = x + room + pad > left + width;
    const from = isLast ? x - room - pad : x + pad;
    let row = 0;
    while ((free[row] ?? 0) > from) row += 1;
    free[row] = from + room + pad;
    ctx.fillText(label, from, top + pad / 2 + row * 13 * devicePixelRatio);
  }
}

function line(ctx: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(toX, toY);
  ctx.stroke();
}

/** Seconds where ticks are less than a minute apart, the date where a day begins or ticks are days. */
function tick(at: number, n: number, splits: readonly number[]): string {
  const step = (splits[1] ?? Number.POSITIVE_INFINITY) - (splits[0] ?? 0);
  if (step < 60_000) return timeOfDay(at);
  const before = splits[n - 1];
  const isNewDay = before !== undefined && new Date(before).getDate() !== new Date(at).getDate();
  return step >= DAY_MS / 2 || isNewDay ? dateOf(at) : clockOf(at);
}

function headroom(max: number, content: ChartContent | undefined): number {
  const top = Math.max(
    Number.isFinite(max) ? max : 0,
    content?.limit ?? 0,
    content?.usual?.high ?? 0,
  );
  return top === 0 ? 1 : top * 1.16;
}
