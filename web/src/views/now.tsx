import { useComputed } from '@preact/signals';
import {
  clock,
  counts,
  endedAt,
  incidents,
  isLoaded,
  isOpen,
  maintained,
  openCounts,
  ownTroubles,
  serviceCounts,
  sites,
} from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { incidentHref, route, siteHref } from '../parts/route.ts';
import { Age } from '../parts/time.tsx';
import {
  count,
  glued,
  HEALTH_WORDS,
  type Mark,
  markOf,
  money,
  people,
  span,
} from '../parts/words.ts';
import { Announced } from './announced.tsx';
import { IncidentRow } from './incident-row.tsx';
import { ServicesBoard } from './services.tsx';

/** A wall of more tiles than this says nothing more; the Sites view has them all. */
const TILES = 48;
const RECENT = 6;

export function Now() {
  if (!isLoaded.value) return <Waiting />;
  return (
    <div class="now">
      <OwnTroubles />
      <Headline />
      <Strip />
      <div class="columns">
        <div class="stack">
          <OpenIncidents />
          <ServicesBoard />
          <Announced />
          <RecentlyResolved />
        </div>
        <Wall />
      </div>
    </div>
  );
}

export function Waiting() {
  return <p class="waiting">Waiting for the first word of the server…</p>;
}

/** What keeps the watcher itself from its work comes before anything that it watches. */
function OwnTroubles() {
  const troubles = ownTroubles.value;
  if (troubles.length === 0) return null;
  return (
    <ul class="own-troubles" role="alert">
      {troubles.map(({ id, text, since }) => (
        <li key={id}>
          <Shape mark="down" />
          <p>
            <b>Vedette itself is in trouble.</b> {text}
            {since === undefined ? null : (
              <>
                {' Since '}
                <Age at={since} suffix=" ago" />.
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Headline() {
  const { open, people: hit, unacknowledged } = openCounts.value;
  if (counts.value.sites === 0)
    return (
      <header class="headline">
        <h1>Nothing is watched yet</h1>
        <p>Add sites and links to the configuration; they appear here by themselves.</p>
      </header>
    );
  if (open === 0) return <NothingOpen />;
  return (
    <header class="headline">
      <h1>{count(open, 'open incident')}</h1>
      <p>
        {hit === 0 ? 'Nobody is hit by the inventory' : `${people(hit)} affected`}
        {', '}
        {unacknowledged === 0 ? 'all acknowledged' : `${unacknowledged} not acknowledged`}
        <ServiceWords />
      </p>
    </header>
  );
}

/** Quiet is said only where everything is seen and well. */
function NothingOpen() {
  const { lastFaultAt } = openCounts.value;
  const quiet = useComputed(() =>
    lastFaultAt === undefined
      ? 'no fault on record'
      : `last fault ${span(clock.value - lastFaultAt)} ago`,
  );
  const { sites: siteCount, links: linkCount, health, silentAgents } = counts.value;
  const isAllUp = health.up === siteCount && silentAgents === 0;
  const hurt = health.down + health.degraded;
  const isBlind = health.unknown > 0 || silentAgents > 0;
  return (
    <header class={`headline ${isAllUp ? 'is-quiet' : ''}`}>
      <h1>
        <Shape mark={isAllUp ? 'up' : hurt > 0 ? 'degraded' : 'unknown'} />
        {isAllUp ? 'All quiet' : 'No incident is open'}
      </h1>
      <p>
        {count(siteCount, 'site')}, {count(linkCount, 'link')}, {quiet.value}
        {hurt > 0 ? `; ${count(hurt, 'site')} down or degraded` : ''}
        {isBlind ? '; not everything can be seen' : ''}
      </p>
    </header>
  );
}

function ServiceWords() {
  const { down, costPerHour } = serviceCounts.value;
  if (down === 0) return null;
  return (
    <>
      {`, ${count(down, 'service')} down`}
      {costPerHour === undefined ? null : (
        <>
          {': '}
          <b>{money(costPerHour)} an hour</b>
        </>
      )}
    </>
  );
}

const STRIP: readonly Mark[] = ['down', 'degraded', 'unknown', 'up'];

function Strip() {
  const { health, sites: total } = counts.value;
  return (
    <nav class="strip" aria-label="Sites by state">
      {STRIP.map((mark) => {
        const n = health[mark as keyof typeof health];
        return (
          <a key={mark} class={n === 0 ? 'is-none' : ''} href={`#/sites?state=${mark}`}>
            <Shape mark={mark} />
            <b>{n.toLocaleString('en')}</b>
            <span class="word">{HEALTH_WORDS[mark].toLowerCase()}</span>
          </a>
        );
      })}
      <span class="of">of {count(total, 'site')}</span>
    </nav>
  );
}

function OpenIncidents() {
  const ids = useComputed(() => {
    void incidents.shape.value;
    const all = incidents.ids.value.filter((id) => isOpen(incidents.row(id)!.peek()));
    const onlyLoud = route.value.query.get('ack') === 'no';
    return onlyLoud ? all.filter((id) => incidents.row(id)!.peek().state === 'open') : all;
  });
  if (ids.value.length === 0) return null;
  return (
    <section aria-labelledby="open-title">
      <h2 id="open-title">Open</h2>
      <ol class="incidents">
        {ids.value.map((id) => (
          <IncidentRow key={id} id={id} />
        ))}
      </ol>
    </section>
  );
}

function RecentlyResolved() {
  void incidents.shape.value;
  const ids = incidents.ids.value.filter((id) => !isOpen(incidents.row(id)!.peek()));
  if (ids.length === 0) return null;
  return (
    <section aria-labelledby="resolved-title">
      <h2 id="resolved-title">Recently resolved</h2>
      <ol class="resolved">
        {ids.slice(0, RECENT).map((id) => {
          const one = incidents.row(id)!.peek();
          return (
            <li key={id}>
              <a href={incidentHref(id)} data-row>
                <Shape mark={markOf(one)} />
                <span class="title">{glued(one.title)}</span>
                <span class="meta">
                  {one.state === 'closed'
                    ? 'closed by a person'
                    : `after ${span(endedAt(one) - one.onsetAt)}`}
                </span>
                <Age at={endedAt(one)} suffix=" ago" />
              </a>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Wall() {
  const ids = sites.ids.value;
  return (
    <section class="wall" aria-labelledby="wall-title">
      <h2 id="wall-title">
        <span>Sites</span>
        <a class="more" href="#/sites">
          {ids.length > TILES ? `all ${ids.length.toLocaleString('en')}` : 'links and figures'}
        </a>
      </h2>
      <ul class="tiles">
        {ids.slice(0, TILES).map((id) => (
          <Tile key={id} id={id} />
        ))}
      </ul>
    </section>
  );
}

function Tile({ id }: { readonly id: string }) {
  const site = sites.row(id)?.value;
  if (site === undefined) return null;
  const isUnderWork = maintained.value.has(`part-of:${id}`);
  return (
    <li>
      <a class={`tile is-${site.health}`} href={siteHref(id)} title={site.because}>
        <Shape mark={site.health} />
        <span>{site.name}</span>
        <small>{site.health === 'up' ? '' : HEALTH_WORDS[site.health].toLowerCase()}</small>
        {isUnderWork ? (
          <>
            <Shape mark="maintenance" />
            <span class="unseen">under maintenance</span>
          </>
        ) : null}
        {site.health === 'up' ? <span class="unseen">up</span> : null}
      </a>
    </li>
  );
}
