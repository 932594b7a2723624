import type { CurvePoint } from './curve.ts';

const WIDTH = 240;
const HEIGHT = 200;
const LEFT = 52;
const TOP = 28;
const PLOT = { width: WIDTH - LEFT - 14, height: HEIGHT - TOP - 40 };
/** Seconds; the delay axis is logarithmic. */
const DELAYS = [10, 30, 60, 300, 1800, 7200];
const NAMES = ['10 s', '30 s', '1 min', '5 min', '30 min', '2 h'];

/** Delay by size of the fault, one panel per kind; hollow points were not found by all trials. */
export function curveSvg(points: readonly CurvePoint[]): string {
  const kinds = [...new Set(points.map(({ kind }) => kind))];
  const panels = kinds.map((kind, n) =>
    panel(
      kind,
      points.filter((point) => point.kind === kind),
      n * WIDTH,
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kinds.length * WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="10" role="img" aria-label="Detection delay by size of the fault">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}

const yOf = (delay: number): number => {
  const [low, high] = [Math.log(5), Math.log(7200)];
  const share = (Math.log(Math.max(5, delay)) - low) / (high - low);
  return TOP + PLOT.height * (1 - share);
};

function panel(kind: string, points: readonly CurvePoint[], left: number): string {
  const unit = points[0]?.unit ?? '';
  const xOf = (n: number): number => LEFT + (PLOT.width * (n + 0.5)) / points.length;
  const grid = DELAYS.map(
    (delay, n) =>
      `<path d="M${LEFT} ${yOf(delay).toFixed(1)}H${LEFT + PLOT.width}" stroke="#ddd"/><text x="${LEFT - 4}" y="${(yOf(delay) + 3).toFixed(1)}" text-anchor="end" fill="#555">${NAMES[n]}</text>`,
  );
  const labels = points.map(
    ({ size, detected, trials }, n) =>
      `<text x="${xOf(n).toFixed(1)}" y="${TOP + PLOT.height + 12}" text-anchor="middle" fill="#333">${size}</text><text x="${xOf(n).toFixed(1)}" y="${TOP + PLOT.height + 23}" text-anchor="middle" fill="${detected === trials ? '#777' : '#b00020'}">${Math.round((100 * detected) / trials)} %</text>`,
  );
  const found = points.flatMap((point, n) =>
    point.median === undefined ? [] : [{ ...point, median: point.median, x: xOf(n) }],
  );
  const line = found.map(({ median, x }) => `${x.toFixed(1)},${yOf(median).toFixed(1)}`).join(' ');
  const marks = found.map(({ median, p90, x, detected, trials }) => {
    const y = yOf(median).toFixed(1);
    const isAll = detected === trials;
    return `<path d="M${x.toFixed(1)} ${y}V${yOf(p90 ?? median).toFixed(1)}" stroke="#1769aa" stroke-opacity=".4" stroke-width="3"/><circle cx="${x.toFixed(1)}" cy="${y}" r="3" fill="${isAll ? '#1769aa' : '#fff'}" stroke="#1769aa"/>`;
  });
  return `<g transform="translate(${left} 0)">
<text x="${LEFT}" y="16" font-size="12" font-weight="600" fill="#111">${kind}, ${unit}</text>
${grid.join('')}
<polyline points="${line}" fill="none" stroke="#1769aa"/>
${marks.join('')}
${labels.join('')}
<text x="${LEFT}" y="${HEIGHT - 5}" fill="#777">size; below: share found within 2 h</text>
</g>`;
}
