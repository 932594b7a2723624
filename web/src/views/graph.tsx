import { useEffect, useRef, useState } from 'preact/hooks';
import type { Evidence } from '../../../protocol/model/alert.ts';
import type { RangeView } from '../../../protocol/wire/views.ts';
import { fetchRange } from '../live/reads.ts';
import { clock, subjectName } from '../live/store.ts';
import { count, fullTime, metricWords, roundWords, span, valueWords } from '../parts/words.ts';
import type { Chart, ChartContent, ChartMark } from './chart.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Stretch {
  readonly word: string;
  readonly length: number;
  /** Bucket length; absent: sample by sample. */
  readonly step?: number;
}

/** Some 300 buckets each: a band as fine as the screen can show. */
const STRETCHES: readonly Stretch[] = [
  { word: '1 h', length: HOUR },
  { word: '6 h', length: 6 * HOUR, step: MINUTE },
  { word: '24 h', length: DAY, step: 5 * MINUTE },
  { word: '7 d', length: 7 * DAY, step: 30 * MINUTE },
  { word: '30 d', length: 30 * DAY, step: 2 * HOUR },
];
const REFRESH_MS = 10_000;
const SLOW_REFRESH_MS = 60_000;

export interface Limit {
  readonly at: number;
  isBroken(value: number): boolean;
}

/** The incident that a graph is about: its own stretch of time is the first choice. */
export interface Episode {
  readonly from: number;
  readonly to: number | undefined;
  /** Where its band is drawn. */
  readonly onsetAt: number;
  readonly endAt: number | undefined;
  readonly isInside: (at: number) => boolean;
}

export interface GraphProps {
  readonly series: string;
  readonly limit?: Limit | undefined;
  readonly evidence?: Evidence | undefined;
  readonly episode?: Episode;
  readonly marks?: readonly ChartMark[];
  readonly heading?: 'h2' | 'h3';
}

const NO_MARKS: readonly ChartMark[] = [];

type Answer = RangeView | 'missing' | 'unreadable' | undefined;

/** One series over a time to choose: how it lay, how far it spread, what was usual and what broke. */
export function Graph(props: GraphProps) {
  const { series, limit, evidence, episode, marks = NO_MARKS, heading: Heading = 'h2' } = props;
  const [chosen, choose] = useState(episode === undefined ? '1 h' : 'incident');
  const [answer, setAnswer] = useState<Answer>();
  const [[from, to], setEnds] = useState<readonly [number, number]>([0, 1]);
  const stretch = STRETCHES.find(({ word }) => word === chosen);
  const episodeFrom = episode?.from ?? 0;
  const episodeTo = episode?.to;
  useEffect(() => {
    let isGone = false;
    const load = () => {
      const now = clock.peek();
      const ends: readonly [number, number] =
        stretch === undefined ? [episodeFrom, episodeTo ?? now] : [now - stretch.length, now];
      const step = stretch === undefined ? stepFor(ends[1] - ends[0]) : stretch.step;
      fetchRange(series, ends[0], ends[1], step)
        .then((found) => {
          if (isGone) return;
          setEnds(ends);
          setAnswer(found ?? 'missing');
        })
        // An old curve stays; the banner says if the server is gone.
        .catch(() => {
          if (!isGone) setAnswer((old) => (typeof old === 'object' ? old : 'unreadable'));
        });
    };
    load();
    const isSlow = stretch !== undefined && stretch.length > 6 * HOUR;
    const timer = setInterval(load, isSlow ? SLOW_REFRESH_MS : REFRESH_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [series, chosen, episodeFrom, episodeTo]);

  const range = typeof answer === 'object' ? answer : undefined;
  const metric = range?.metric ?? series.split('|')[1] ?? '';
  const said = captionOf(answer, series, limit, episode);
  const content: ChartContent | undefined = range && {
    range,
    from,
    to,
    limit: limit?.at,
    usual: evidence?.metric === range.metric ? evidence.usual : undefined,
    isBreach: (value, at) => episode?.isInside(at) === true && limit?.isBroken(value) === true,
    band: episode && { from: episode.onsetAt, to: episode.endAt },
    marks,
  };
  return (
    <figure class="graph">
      <figcaption>
        <Heading>{metricWords(metric)}</Heading>
        <p>{said}</p>
        <fieldset class="toggles">
          <legend class="unseen">Time shown</legend>
          {[...(episode === undefined ? [] : ['incident']), ...STRETCHES.map((s) => s.word)].map(
            (word) => (
              <button
                key={word}
                type="button"
                class="chip"
                aria-pressed={word === chosen}
                onClick={() => choose(word)}
              >
                {word.replace(' ', '\u00a0')}
              </button>
            ),
          )}
        </fieldset>
      </figcaption>
      <Canvas content={content} label={`${metricWords(metric)}: ${said}. ${summaryOf(range)}`} />
      <Key content={content} />
      <Gaps range={range} />
    </figure>
  );
}

/** An incident that lasts for days is shown in buckets too. */
const stepFor = (length: number): number | undefined =>
  length <= 2 * HOUR ? undefined : Math.ceil(length / 300 / MINUTE) * MINUTE;

function captionOf(
  answer: Answer,
  series: string,
  limit: Limit | undefined,
  episode: Episode | undefined,
): string {
  const [agent = '', , ...subject] = series.split('|');
  const what = `${subjectName(subject.join('|'))}, seen by ${agent}`;
  if (answer === undefined) return `${what}; reading…`;
  if (answer === 'missing') return `${what}; nothing of this time is kept here`;
  if (answer === 'unreadable') return `${what}; could not be read, trying again`;
  if (answer.at.length === 0) return `${what}; nothing was measured in this time`;
  if (answer.form === 'buckets')
    return `${what}; ${count(answer.at.length, 'stretch', 'stretches')} of ${span(answer.step ?? 0)}`;
  const all = count(answer.at.length, 'sample');
  if (limit === undefined || episode === undefined) return `${what}; ${all}`;
  const broken = answer.value.filter(
    (value, n) => episode.isInside(answer.at[n] ?? 0) && limit.isBroken(value),
  ).length;
  return `${what}; ${count(broken, 'sample')} broke the limit of ${roundWords(answer.metric, limit.at)}`;
}

/** What the picture says, for those who do not see it. */
function summaryOf(range: RangeView | undefined): string {
  if (range === undefined || range.value.length === 0) return '';
  const sorted = [...(range.p50 ?? range.value)].sort((a, b) => a - b);
  const say = (value: number | undefined) => valueWords(range.metric, value ?? 0);
  const high = (range.max ?? range.value).reduce((most, value) => Math.max(most, value), 0);
  return `Median ${say(sorted[Math.floor(sorted.length / 2)])}, highest ${say(high)}.`;
}

function Key({ content }: { readonly content: ChartContent | undefined }) {
  const { limit, usual, band, range } = content ?? {};
  return (
    <ul class="key" aria-hidden="true">
      {limit === undefined ? null : <li class="is-limit">limit</li>}
      {limit === undefined || band === undefined ? null : <li class="is-breach">broke the rule</li>}
      {usual === undefined ? null : <li class="is-usual">usual</li>}
      {range?.form === 'buckets' ? <li class="is-smoke">lowest, 95&nbsp;%, highest</li> : null}
      {band === undefined ? null : <li class="is-band">incident</li>}
      {range?.gaps === undefined ? null : <li class="is-gap">no record</li>}
    </ul>
  );
}

function Gaps({ range }: { readonly range: RangeView | undefined }) {
  if (range?.gaps === undefined || range.gaps.length === 0) return null;
  return (
    <ul class="gaps">
      {range.gaps.slice(0, 5).map((gap) => (
        <li key={`${gap.from}`}>
          No record from {fullTime(gap.from)} to {fullTime(gap.to)}: {gap.because}
        </li>
      ))}
      {range.gaps.length > 5 ? <li>and {range.gaps.length - 5} more gaps</li> : null}
    </ul>
  );
}

function Canvas({ content, label }: { readonly content: ChartContent | undefined; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  // The chart's code may arrive after the samples: it must find the newest ones then.
  const newest = useRef(content);
  newest.current = content;
  useEffect(() => {
    let isGone = false;
    // uPlot is half of all code; only who opens a graph needs it.
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
  const { range, from, to, limit, usual, marks } = content ?? {};
  useEffect(() => {
    if (newest.current !== undefined) chart.current?.show(newest.current);
  }, [range, from, to, limit, usual, marks]);
  return <div ref={box} class="canvas" role="img" aria-label={label} />;
}
