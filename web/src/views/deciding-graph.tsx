import { useEffect, useRef, useState } from 'preact/hooks';
import type { Evidence } from '../../../protocol/model/alert.ts';
import type { IncidentView, RangeView } from '../../../protocol/wire/views.ts';
import { clock, isOpen } from '../live/store.ts';
import { fetchRange } from '../parts/spark.tsx';
import { count, metricWords, roundWords, subjectWords } from '../parts/words.ts';
import type { Chart, ChartContent } from './chart.ts';

const BEFORE_MS = 12 * 60_000;
const AFTER_MS = 6 * 60_000;
const REFRESH_MS = 10_000;

interface GraphProps {
  readonly one: IncidentView;
  readonly evidence: Evidence | undefined;
}

/** The metric that decided, with the limit, the samples that broke it and the incident's band. */
export function DecidingGraph({ one, evidence }: GraphProps) {
  const [range, setRange] = useState<RangeView | 'missing'>();
  const endAt = isOpen(one) ? undefined : (one.resolvedAt ?? one.updatedAt);
  const series = evidence?.series ?? one.deciding;
  useEffect(() => {
    if (series === undefined) return undefined;
    let isGone = false;
    const load = () =>
      fetchRange(
        series,
        one.onsetAt - BEFORE_MS,
        endAt === undefined ? clock.peek() : endAt + AFTER_MS,
      )
        .then((found) => {
          if (!isGone) setRange(found ?? 'missing');
        })
        // The old curve stays; the banner says that nothing new comes.
        .catch(() => undefined);
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [series, one.onsetAt, endAt]);

  if (series === undefined) return null;
  const limit = limitOf(one, evidence);
  if (range === 'missing')
    return <p class="card none">The samples that decided are not kept here any more.</p>;
  return (
    <figure class="card graph">
      <figcaption>
        <h2>{metricWords(range?.metric ?? series.split('|')[1] ?? '')}</h2>
        <p>{range === undefined ? 'reading…' : caption(range, one, limit)}</p>
      </figcaption>
      <Canvas range={range} one={one} limit={limit} endAt={endAt} />
      <ul class="key" aria-hidden="true">
        {limit === undefined ? null : <li class="is-limit">limit</li>}
        {limit === undefined ? null : <li class="is-breach">broke the rule</li>}
        <li class="is-band">incident</li>
      </ul>
    </figure>
  );
}

/** A round is dated by its start: the one that began the trouble may lie a little before it. */
const ONSET_SLACK_MS = 6_000;

const isInside = (at: number, one: IncidentView): boolean =>
  at >= one.onsetAt - ONSET_SLACK_MS && at <= (one.resolvedAt ?? Number.POSITIVE_INFINITY);

interface Limit {
  readonly at: number;
  isBroken(value: number): boolean;
}

/**
 * The limit as a sample can break it. An outage by loss is whole loss, whatever is usual; what was
 * found below its limit (an interface that should be up) breaks it downwards.
 */
function limitOf(one: IncidentView, evidence: Evidence | undefined): Limit | undefined {
  const { expected, observed, metric = '' } = evidence ?? {};
  if (one.disturbance === 'outage' && metric.endsWith('_loss_ratio'))
    return { at: 1, isBroken: (value) => value >= 1 };
  if (expected === undefined) return undefined;
  return observed !== undefined && observed < expected
    ? { at: expected, isBroken: (value) => value < expected }
    : { at: expected, isBroken: (value) => value > expected };
}

function caption(range: RangeView, one: IncidentView, limit: Limit | undefined): string {
  const what = `${subjectWords(range.subject)}, seen by ${range.series.split('|')[0]}`;
  if (limit === undefined) return `${what}; ${count(range.at.length, 'sample')}`;
  const isIn = (n: number) => isInside(range.at[n] ?? 0, one);
  const breaches = range.value.filter((value, n) => isIn(n) && limit.isBroken(value)).length;
  return `${what}; ${count(breaches, 'sample')} broke the limit of ${roundWords(range.metric, limit.at)}`;
}

interface CanvasProps {
  readonly one: IncidentView;
  readonly limit: Limit | undefined;
  readonly range: RangeView | undefined;
  readonly endAt: number | undefined;
}

function Canvas({ range, one, limit, endAt }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const content: ChartContent | undefined = range && {
    range,
    limit: limit?.at,
    isBreach: (value, at) => isInside(at, one) && limit?.isBroken(value) === true,
    from: one.onsetAt,
    to: endAt,
  };
  // The chart's code may arrive after the samples: it must find the newest ones then.
  const newest = useRef(content);
  newest.current = content;
  useEffect(() => {
    let isGone = false;
    // uPlot is half of all code; only this view needs it.
    void import('./chart.ts').then(({ createChart }) => {
      if (isGone || box.current === null) return;
      chart.current = createChart(box.current);
      if (newest.current !== undefined) chart.current.show(newest.current);
    });
    return () => {
      isGone = true;
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  useEffect(() => {
    if (newest.current !== undefined) chart.current?.show(newest.current);
  }, [range, endAt, limit?.at]);
  return <div ref={box} class="canvas" role="img" aria-label={metricWords(range?.metric ?? '')} />;
}
