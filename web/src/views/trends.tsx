import type { ChangesView, ForecastsView } from '../../../protocol/wire/views.ts';
import { clock } from '../live/store.ts';
import { count, fullTime, glued, metricWords, roundWords, shortTime } from '../parts/words.ts';
import { SubjectLink } from './announced.tsx';

type Change = ChangesView['changes'][number];
type Forecast = ForecastsView['forecasts'][number];

const DAY_MS = 86_400_000;

/** The change log: what settled on another level, newest first. `isShort`: of one subject, which is known. */
export function Changes(props: { readonly list: readonly Change[]; readonly isShort?: boolean }) {
  const { list, isShort = false } = props;
  const now = clock.peek();
  return (
    <ol class="trends">
      {list.map((change) => (
        <li key={`${change.series} ${change.at}`}>
          <time dateTime={new Date(change.since).toISOString()} title={fullTime(change.since)}>
            {shortTime(change.since, now)}
          </time>
          <p>
            {isShort ? null : (
              <b>
                <SubjectLink subject={change.subject} />
              </b>
            )}{' '}
            {metricWords(change.metric)} {change.after > change.before ? 'rose' : 'fell'} from{' '}
            {roundWords(change.metric, change.before)} to{' '}
            <b>{roundWords(change.metric, change.after)}</b> and stayed
          </p>
          <small>{change.series.split('|')[0]}</small>
        </li>
      ))}
    </ol>
  );
}

/** Limits that will be reached if it goes on like this, soonest first. */
export function Forecasts(props: {
  readonly list: readonly Forecast[];
  readonly isShort?: boolean;
}) {
  const { list, isShort = false } = props;
  const now = clock.peek();
  const days = (at: number) => Math.max(0, Math.round((at - now) / DAY_MS));
  return (
    <ol class="trends is-ahead">
      {list.map((one) => (
        <li key={one.series}>
          <time dateTime={new Date(one.reachedAt).toISOString()} title={fullTime(one.reachedAt)}>
            in {count(days(one.reachedAt), 'day')}
          </time>
          <p>
            {isShort ? null : (
              <b>
                <SubjectLink subject={one.subject} />
              </b>
            )}{' '}
            {glued(one.text)}
          </p>
        </li>
      ))}
    </ol>
  );
}
