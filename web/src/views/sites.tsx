import { useComputed } from '@preact/signals';
import {
  counts,
  isLoaded,
  links,
  linksOfSite,
  maintained,
  mostLinks,
  sites,
} from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { filterBy, route, siteHref } from '../parts/route.ts';
import { Windowed } from '../parts/window.tsx';
import { count, HEALTH_WORDS, ms, people, percent } from '../parts/words.ts';
import { UnderWork } from './announced.tsx';
import { Waiting } from './now.tsx';

/** Height of a card with its gap, px: head, reason, and a line for each link shown. */
const HEAD_HEIGHT = 84;
const LINE_HEIGHT = 22;
const CARD_WIDTH = 272;
/** More links than this do not fit on a card; the site's own page has them all. */
const LINKS_SHOWN = 2;
const FILTERS = ['down', 'degraded', 'unknown', 'up'] as const;

/** Every site with its links, worst first; the worst of its parts decides. */
export function Sites() {
  const ids = useComputed(() => {
    const state = route.value.query.get('state') ?? '';
    const text = (route.value.query.get('q') ?? '').toLocaleLowerCase('en');
    if (state === '' && text === '') return sites.ids.value;
    void sites.shape.value;
    return sites.ids.value.filter((id) => {
      const site = sites.row(id)!.peek();
      if (state !== '' && site.health !== state) return false;
      return text === '' || `${site.name} ${id}`.toLocaleLowerCase('en').includes(text);
    });
  });
  if (!isLoaded.value) return <Waiting />;
  return (
    <div class="sites">
      <header class="headline is-row">
        <h1>Sites and links</h1>
        <p>
          {ids.value.length === counts.value.sites
            ? `${count(counts.value.sites, 'site')}, ${count(counts.value.links, 'link')}`
            : `${ids.value.length} of ${count(counts.value.sites, 'site')}`}
        </p>
      </header>
      <Filters />
      {ids.value.length === 0 ? (
        <p class="none">No site matches.</p>
      ) : (
        <Windowed
          ids={ids.value}
          rowHeight={
            HEAD_HEIGHT + LINE_HEIGHT * Math.min(LINKS_SHOWN, Math.max(1, mostLinks.value))
          }
          minWidth={CARD_WIDTH}
          label="Sites, worst first"
          render={(id) => <SiteCard id={id} />}
        />
      )}
    </div>
  );
}

function Filters() {
  const { query } = route.value;
  const chosen = query.get('state') ?? '';
  return (
    <div class="filters">
      <input
        type="search"
        data-filter
        aria-label="Filter by name"
        placeholder="Filter by name  ( / )"
        value={query.get('q') ?? ''}
        onInput={(event) => filterBy('q', event.currentTarget.value)}
      />
      <fieldset class="toggles">
        <legend class="unseen">Filter by state</legend>
        {FILTERS.map((mark) => (
          <button
            key={mark}
            type="button"
            class="chip"
            aria-pressed={chosen === mark}
            onClick={() => filterBy('state', chosen === mark ? '' : mark)}
          >
            <Shape mark={mark} />
            {counts.value.health[mark].toLocaleString('en')} {HEALTH_WORDS[mark].toLowerCase()}
          </button>
        ))}
      </fieldset>
    </div>
  );
}

function SiteCard({ id }: { readonly id: string }) {
  const site = sites.row(id)?.value;
  if (site === undefined) return <span />;
  const ids = linksOfSite(id);
  const isUnderWork = maintained.value.has(`part-of:${id}`);
  return (
    <a class={`card site is-${site.health}`} href={siteHref(id)} data-row>
      <span class="line">
        <Shape mark={site.health} />
        <b class="name">{site.name}</b>
        {site.hub ? <small class="hub">hub</small> : null}
        <span class="state">{HEALTH_WORDS[site.health]}</span>
      </span>
      <span class="because">
        {isUnderWork ? <UnderWork of={[`site:${id}`, `part-of:${id}`]} /> : null}
        {site.health === 'up' ? people(site.users) : site.because}
      </span>
      <span class="circuits">
        {ids.slice(0, LINKS_SHOWN).map((link) => (
          <LinkLine key={link} id={link} site={site.name} />
        ))}
        {ids.length > LINKS_SHOWN ? <small>and {ids.length - LINKS_SHOWN} more</small> : null}
        {ids.length === 0 ? <small>{count(site.devices.length, 'device')}, no links</small> : null}
      </span>
    </a>
  );
}

function LinkLine({ id, site }: { readonly id: string; readonly site: string }) {
  const link = links.row(id)?.value;
  if (link === undefined) return null;
  return (
    <span class="circuit">
      <Shape mark={link.health} />
      <span class="name">{link.name.replace(site, '').trim() || link.name}</span>
      <span class="unseen">{HEALTH_WORDS[link.health]}</span>
      <span class="figure">{link.rttMs === undefined ? '' : ms(link.rttMs)}</span>
      <span class={`figure is-loss ${link.lossRatio ? 'is-lossy' : ''}`}>
        {link.lossRatio === undefined ? 'no figures' : `${percent(link.lossRatio)} lost`}
      </span>
    </span>
  );
}
