import type { DeviceView, SiteView } from '../../../protocol/wire/views.ts';
import { incidents, isLoaded, isOpen, links, linksOfSite, sites } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { Age } from '../parts/time.tsx';
import { count, HEALTH_WORDS, ms, people, percent } from '../parts/words.ts';
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
        <ul class="rows">
          {linksOfSite(site.id).map((id) => (
            <LinkRow key={id} id={id} />
          ))}
        </ul>
      </section>
      <section class="card" aria-labelledby="devices-title">
        <h2 id="devices-title">Devices</h2>
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
        {link.provider ? `; ${link.provider}` : ''}
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
    </li>
  );
}

function Device({ device }: { readonly device: DeviceView }) {
  return (
    <li class="row is-device">
      <Shape mark={device.health} />
      <b class="name">{device.name}</b>
      <span class="state">{HEALTH_WORDS[device.health]}</span>
      <span class="because">{device.because}</span>
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
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
