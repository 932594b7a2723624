import { useState } from 'preact/hooks';
import type { ChangesView } from '../../../protocol/wire/views.ts';
import { type Asked, useAsked } from '../live/asked.ts';
import { fetchChanges, fetchForecasts, fetchWindows, type WindowRow } from '../live/reads.ts';
import { clock, isLoaded, maintenance, subjectName } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { filterBy, route } from '../parts/route.ts';
import { count, metricWords, shortTime } from '../parts/words.ts';
import { Subjects } from './announced.tsx';
import { Waiting } from './now.tsx';
import { Changes as ChangeList, Forecasts } from './trends.tsx';

const REREAD_MS = 60_000;
const READ = 500;
const SHOWN = 100;
const WINDOWS_SHOWN = 20;

/** Nothing here is an alarm: what changed for good, what will be short one day, what was announced. */
export function Changes() {
  if (!isLoaded.value) return <Waiting />;
  return (
    <div class="changes">
      <header class="headline is-row">
        <h1>Changes</h1>
        <p>nothing here is an alarm</p>
      </header>
      <div class="columns">
        <div class="stack">
          <ChangeLog />
        </div>
        <div class="stack">
          <Ahead />
          <Work />
        </div>
      </div>
    </div>
  );
}

function ChangeLog() {
  const asked = useAsked('changes', REREAD_MS, () => fetchChanges(READ));
  const [isAll, setAll] = useState(false);
  const text = route.value.query.get('q') ?? '';
  const found = matching(asked.found?.changes ?? [], text);
  const shown = isAll ? found : found.slice(0, SHOWN);
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">
        <span>Change log</span>
        <input
          type="search"
          class="search"
          data-filter
          aria-label="Filter by name or figure"
          placeholder="Filter  ( / )"
          value={text}
          onInput={(event) => filterBy('q', event.currentTarget.value)}
        />
      </h2>
      <p class="hint">
        Figures that settled on another level and stayed there: a detour of the provider, a new
        line, a lost member of a bundle. Nobody was woken for it.
      </p>
      <State
        asked={asked}
        isEmpty={found.length === 0}
        empty={
          text === ''
            ? 'No figure has settled on another level so far. A level counts after it has been kept for some time.'
            : 'Nothing in the log matches.'
        }
      />
      <ChangeList list={shown} />
      {shown.length < found.length ? (
        <button type="button" class="button is-small" onClick={() => setAll(true)}>
          Show all {found.length}
        </button>
      ) : null}
    </section>
  );
}

function matching(list: ChangesView['changes'], text: string): ChangesView['changes'] {
  const wanted = text.trim().toLocaleLowerCase('en');
  if (wanted === '') return list;
  return list.filter(({ subject, metric }) =>
    `${subjectName(subject)} ${subject} ${metricWords(metric)}`
      .toLocaleLowerCase('en')
      .includes(wanted),
  );
}

function Ahead() {
  const asked = useAsked('forecasts', REREAD_MS, () => fetchForecasts());
  const list = asked.found?.forecasts ?? [];
  return (
    <section class="card" aria-labelledby="ahead-title">
      <h2 id="ahead-title">Limits ahead</h2>
      <State
        asked={asked}
        isEmpty={list.length === 0}
        empty="No limit comes near. A forecast needs some weeks of daily peaks."
      />
      <Forecasts list={list} />
    </section>
  );
}

function Work() {
  // Read again when a window begins, ends or is announced.
  const key = `windows ${maintenance.value.map(({ id, until }) => `${id} ${until}`)}`;
  const asked = useAsked(key, REREAD_MS, fetchWindows);
  const list = asked.found?.windows ?? [];
  // A nightly one is one line, not thirty.
  const shown = [...Map.groupBy(list, ({ name, subjects }) => `${name} ${subjects}`).values()];
  return (
    <section class="card" aria-labelledby="work-title">
      <h2 id="work-title">Announced work</h2>
      <State
        asked={asked}
        isEmpty={list.length === 0}
        empty="Nothing is announced. Announce work in the configuration, or with: vedette maintenance add"
      />
      <ul class="windows">
        {shown.slice(0, WINDOWS_SHOWN).map((windows) => (
          <Window key={windows[0]?.id} windows={windows} />
        ))}
      </ul>
      {shown.length > WINDOWS_SHOWN ? (
        <p class="none">and {count(shown.length - WINDOWS_SHOWN, 'other window')}</p>
      ) : null}
    </section>
  );
}

function Window({ windows }: { readonly windows: readonly WindowRow[] }) {
  const now = clock.peek();
  const [first, second] = windows;
  if (first === undefined) return null;
  const { name, from, until, subjects, source, by } = first;
  const isNow = from <= now;
  return (
    <li class={isNow ? 'is-now' : ''}>
      <Shape mark="maintenance" />
      <div>
        <b>{name}</b>
        <p>
          {isNow ? 'now, until' : `${shortTime(from, now)} to`} {shortTime(until, now)}
          {second === undefined ? '' : `, again ${shortTime(second.from, now)}`}
          {windows.length < 3 ? '' : ` and ${windows.length - 2} more times`}
        </p>
        <small>
          <Subjects subjects={subjects} />
          {source === 'person' ? `, announced by ${by}` : ''}
        </small>
      </div>
    </li>
  );
}

interface StateProps {
  readonly asked: Asked<unknown>;
  readonly isEmpty: boolean;
  readonly empty: string;
}

function State({ asked, isEmpty, empty }: StateProps) {
  if (asked.isFailed)
    return (
      <p class="none" role="status">
        {asked.found === undefined ? 'Could not be read' : 'Could not be read again'}; trying every
        minute.
      </p>
    );
  if (asked.found === undefined) return <p class="none">Reading…</p>;
  return isEmpty ? <p class="none">{empty}</p> : null;
}
