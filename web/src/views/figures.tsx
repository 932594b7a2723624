import { useState } from 'preact/hooks';
import type { SeriesListView } from '../../../protocol/wire/views.ts';
import { useAsked } from '../live/asked.ts';
import { fetchChanges, fetchForecasts, fetchSeries } from '../live/reads.ts';
import { metricWords } from '../parts/words.ts';
import { Graph } from './graph.tsx';
import { Changes, Forecasts } from './trends.tsx';

const REREAD_MS = 60_000;
/** Which figures a person looks for first; what is not named here comes after, by name. */
const FIRST = [
  /_rtt_ms$/,
  /_loss_ratio$/,
  /_jitter_ms$/,
  /path_mos/,
  /_in_utilisation/,
  /_out_utilisation/,
  /_cpu_/,
  /_memory_/,
  /_per_s$/,
];
/** Bookkeeping of the poll: it explains nothing to whoever looks at a graph. */
const DULL = /_ticks$|_boots$|_confirm_loss_ratio$|^if_speed_bps$|_total$/;
const CHANGES_SHOWN = 20;

/** Graphs, change log and forecasts of one subject; nothing of it is read before it is opened. */
export function Figures({ subject }: { readonly subject: string }) {
  const listed = useAsked(`series ${subject}`, REREAD_MS, () => fetchSeries(subject));
  const changed = useAsked(`changes ${subject}`, REREAD_MS, () =>
    fetchChanges(CHANGES_SHOWN, subject),
  );
  const ahead = useAsked(`ahead ${subject}`, REREAD_MS, () => fetchForecasts(subject));
  const [chosen, choose] = useState<string>();
  const all = ordered(listed.found);
  const series = all.find((one) => one.series === chosen) ?? all[0];
  const changes = changed.found?.changes ?? [];
  const forecasts = ahead.found?.forecasts ?? [];
  return (
    <div class="of-subject">
      {series === undefined ? (
        <p class="none">{whyNone(listed.found, listed.isFailed)}</p>
      ) : (
        <>
          <label class="which">
            <span>Figures</span>
            <select value={series.series} onChange={(event) => choose(event.currentTarget.value)}>
              {all.map((one) => (
                <option key={one.series} value={one.series}>
                  {nameOf(one, all)}
                </option>
              ))}
            </select>
          </label>
          <Graph key={series.series} series={series.series} heading="h3" />
        </>
      )}
      {forecasts.length === 0 ? null : <Forecasts list={forecasts} isShort />}
      <h3>What settled on another level</h3>
      {changed.isFailed ? <p class="none">The change log could not be read.</p> : null}
      {changed.found !== undefined && changes.length === 0 ? (
        <p class="none">Nothing on record: its figures have kept their level.</p>
      ) : (
        <Changes list={changes} isShort />
      )}
    </div>
  );
}

type Listed = SeriesListView['series'][number];

function whyNone(found: SeriesListView | undefined, isFailed: boolean): string {
  if (isFailed) return 'The list of figures could not be read; trying again.';
  if (found === undefined) return 'Reading…';
  return 'No figures of it are on record yet.';
}

function ordered(found: SeriesListView | undefined): readonly Listed[] {
  const rank = ({ metric }: Listed) => {
    const place = FIRST.findIndex((pattern) => pattern.test(metric));
    return place < 0 ? FIRST.length : place;
  };
  return (found?.series ?? [])
    .filter(({ metric }) => !DULL.test(metric))
    .sort((a, b) => rank(a) - rank(b) || (a.series < b.series ? -1 : 1));
}

/** With probe and agent only where the words alone would be there twice. */
function nameOf(one: Listed, all: readonly Listed[]): string {
  const words = metricWords(one.metric);
  const alike = all.filter((other) => metricWords(other.metric) === words);
  if (alike.length < 2) return words;
  const probe = /^(icmp|stamp)_/.exec(one.metric)?.[1]?.toUpperCase();
  const hasAgents = new Set(alike.map(({ agent }) => agent)).size > 1;
  return [words, probe, hasAgents ? one.agent : undefined].filter(Boolean).join(', ');
}
