import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Curve, type CurvePoint, measureCurve } from './curve.ts';
import { curveSvg } from './curve-svg.ts';
import { hasQuietTraces, loadQuietTraces, RTT_DATA } from './quiet-traces.ts';

/** `node test/injection/report.ts`: the curve of detection delays, as a table and as docs/detection-delay.svg. */
const TRIALS = 24;
const DAY = 86_400;

const seconds = (value: number | undefined): string => {
  if (value === undefined) return '-';
  return value < 120 ? `${Math.round(value)} s` : `${(value / 60).toFixed(1)} min`;
};

const row = ({ kind, size, unit, detected, trials, median, p90, routed }: CurvePoint): string =>
  `| ${kind} | ${size} ${unit} | ${detected} of ${trials} | ${seconds(median)} | ${seconds(p90)} | ${Math.round(routed * 100)} % |`;

function table({ points, falseIncidents, falseRouted, quietLinkDays }: Curve): string {
  return `| fault | size | found | median delay | 90 % | routed |
| --- | --- | --- | --- | --- | --- |
${points.map(row).join('\n')}

On ${quietLinkDays.toFixed(0)} link-days without a fault: ${falseIncidents} incidents, ${falseRouted} of them routed (P1 to P3).
`;
}

if (hasQuietTraces()) {
  const curve = measureCurve({
    traces: loadQuietTraces(),
    trials: TRIALS,
    every: 5,
    seed: 1,
    warmUp: DAY,
    faultLasts: 7200,
  });
  process.stdout.write(table(curve));
  writeFileSync(
    join(import.meta.dirname, '../../docs/detection-delay.svg'),
    curveSvg(curve.points),
  );
} else process.stderr.write(`skipped: no labelled traces at ${RTT_DATA}\n`);
