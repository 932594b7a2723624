import { useState } from 'preact/hooks';
import type { DeviceView, SiteView } from '../../../protocol/wire/views.ts';
import { incidents, isLoaded, isOpen, links, linksOfSite, sites } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { Age } from '../parts/time.tsx';
import { count, HEALTH_WORDS, ms, people, percent } from '../parts/words.ts';
import { UnderWork } from './announced.tsx';
import { Figures } from './figures.tsx';
import { IncidentRow } from './incident-row.tsx';
import { Waiting } from './now.tsx';

/** One site: what is wrong there, its links with their figures, its devices and interfaces. */
export function Site({ id }: { readonly id: string }) {
  if (!isLoaded.value) return <Waiting />;
  const site = sites.row(id)?.value;
  void [sites.shape.value, incidents.shape.value];
  return (
    <div class="detail">
      <a class="back" href="#/sites">
        ‹ Sites and links
      </a>
      {site === undefined ? <h1>There is no such site</h1> : <Body site={site} />}
    </div>
  );
}

function Body({ site }: { readonly site: SiteView }) {
  const open = incidents.ids.value.filter((id) => {
    const one = incidents.row(id)!.peek();
    return isOpen(one) && one.site === site.id;
  });
  return (
    <>
      <header class="heading">
        <h1>
          <Shape mark={site.health} />
          {site.name}
        </h1>
        <p class="because">
          {HEALTH_WORDS[site.health]}: {site.because}. {people(site.users)} work here.
        </p>
        <UnderWork of={[`site:${site.id}`]} />
      </header>
      {open.length === 0 ? null : (
        <ol class="incidents">
          {open.map((id) => (
            <IncidentRow key={id} id={id} />
          ))}
        </ol>
      )}
      <section class="card" aria-labelledby="links-title">
        <h2 id="links-title">Links</h2>
        {linksOfSite(site.id).length === 0 ? (
          <p class="none">No link of the configuration leads to this site.</p>
        ) : null}
        <ul class="rows">
          {linksOfSite(site.id).map((id) => (
            <LinkRow key={id} id={id} />
          ))}
        </ul>
      </section>
      <section class="card" aria-labelledby="devices-title">
        <h2 id="devices-title">Devices</h2>
        {site.devices.length === 0 ? (
          <p class="none">No device of the configuration stands here.</p>
        ) : null}
        <ul class="rows">
          {site.devices.map((device) => (
            <Device key={device.id} device={device} />
          ))}
        </ul>
      </section>
    </>
  );
}

function LinkRow({ id }: { readonly id: string }) {
  const link = links.row(id)?.value;
  if (link === undefined) return null;
  return (
    <li class="row">
      <Shape mark={link.health} />
      <b class="name">{link.name}</b>
      <span class="state">{HEALTH_WORDS[link.health]}</span>
      <span class="because">
        {link.because}
        {link.provider ? `; ${link.provider}` : ''} <UnderWork of={[`link:${id}`]} />
      </span>
      <span class="figures">
        {link.measuredAt === undefined ? (
          <small>no fresh figures</small>
        ) : (
          <>
            <span>{link.rttMs === undefined ? '–' : ms(link.rttMs)}</span>
            <span>{percent(link.lossRatio ?? 0)} lost</span>
            <span>{link.jitterMs === undefined ? '' : `± ${ms(link.jitterMs)}`}</span>
            <small>
              <Age at={link.measuredAt} suffix=" ago" />
            </small>
          </>
        )}
      </span>
      <Unfolding subject={`link:${id}`} name={link.name} />
    </li>
  );
}

function Device({ device }: { readonly device: DeviceView }) {
  return (
    <li class="row is-device">
      <Shape mark={device.health} />
      <b class="name">{device.name}</b>
      <span class="state">{HEALTH_WORDS[device.health]}</span>
      <span class="because">
        {device.because} <UnderWork of={[`device:${device.id}`]} />
      </span>
      <Unfolding subject={`device:${device.id}`} name={device.name} />
      {device.interfaces.length === 0 ? null : (
        <details>
          <summary>{count(device.interfaces.length, 'interface')}</summary>
          <ul class="ports">
            {device.interfaces.map((one) => (
              <li key={one.subject}>
                <Shape mark={one.health} />
                <b>{one.name}</b>
                <span>{HEALTH_WORDS[one.health].toLowerCase()}</span>
                <span>{one.alias || one.descr || ''}</span>
                <small>ifIndex {one.ifIndex}</small>
                <Unfolding subject={one.subject} name={one.name} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

/** Graphs and change log of one subject, read when somebody wants to see them. */
function Unfolding({ subject, name }: { readonly subject: string; readonly name: string }) {
  const [isShown, show] = useState(false);
  return (
    <>
      <button
        type="button"
        class="chip unfold"
        aria-expanded={isShown}
        aria-label={`Graphs of ${name}`}
        onClick={() => show(!isShown)}
      >
        <span class="fold" aria-hidden="true" />
        Graphs
      </button>
      {isShown ? <Figures subject={subject} /> : null}
    </>
  );
}
