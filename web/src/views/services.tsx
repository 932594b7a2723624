import { useComputed } from '@preact/signals';
import type { ServiceView } from '../../../protocol/wire/views.ts';
import { clock, incidents, incidentsOfService, serviceCounts, services } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { incidentHref } from '../parts/route.ts';
import { Age } from '../parts/time.tsx';
import {
  count,
  glued,
  hoursWords,
  money,
  people,
  SERVICE_MARKS,
  shortTime,
} from '../parts/words.ts';

/** So many healthy ones are listed; the others are a number to unfold. */
const HEALTHY_SHOWN = 6;

/** What the business uses, worst first; nothing at all where the configuration has no services. */
export function ServicesBoard() {
  const ids = services.ids.value;
  if (ids.length === 0) return null;
  void services.shape.value;
  const isWell = (id: string) => services.row(id)?.peek().state === 'healthy';
  const unwell = ids.filter((id) => !isWell(id));
  const well = ids.filter(isWell);
  const rest = well.slice(HEALTHY_SHOWN);
  return (
    <section class="services" aria-labelledby="services-title">
      <h2 id="services-title">
        <span>Services</span>
        <small>{boardWords()}</small>
      </h2>
      <ul class="board">
        {[...unwell, ...well.slice(0, HEALTHY_SHOWN)].map((id) => (
          <ServiceRow key={id} id={id} />
        ))}
      </ul>
      {rest.length === 0 ? null : (
        <details>
          <summary>and {count(rest.length, 'more healthy service')}</summary>
          <ul class="board">
            {rest.map((id) => (
              <ServiceRow key={id} id={id} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function boardWords(): string {
  const { all, down, degraded, atRisk, costPerHour } = serviceCounts.value;
  const parts = [
    down > 0 ? `${down} down` : '',
    degraded > 0 ? `${degraded} degraded` : '',
    atRisk > 0 ? `${atRisk} at risk` : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) return `${count(all, 'service')}`;
  const cost = costPerHour === undefined ? '' : `; costs ${money(costPerHour)} an hour`;
  return `${parts.join(', ')} of ${all}${cost}`;
}

function ServiceRow({ id }: { readonly id: string }) {
  const one = services.row(id)?.value;
  if (one === undefined) return null;
  const { mark, word } = SERVICE_MARKS[one.state];
  const isWell = one.state === 'healthy';
  const [incident] = isWell ? [] : incidentsOfService(id);
  return (
    <li class={`service is-${mark}`}>
      <Shape mark={mark} />
      <b class="name">{one.name}</b>
      <span class="state">
        {word}
        {isWell || one.since === undefined ? null : (
          <>
            {' for '}
            <Age at={one.since} />
          </>
        )}
      </span>
      <span class="users">{people(one.users)}</span>
      <Cost one={one} />
      <Hours one={one} />
      {isWell ? null : (
        <p class="because">
          {glued(one.because.replace(/^.*?: /, ''))}
          {incident === undefined ? null : (
            <>
              {' · '}
              <a href={incidentHref(incident)}>
                the incident
                <span class="unseen"> {incidents.row(incident)?.peek().title}</span>
              </a>
            </>
          )}
        </p>
      )}
    </li>
  );
}

/** Loud while it costs; else what it would cost. */
function Cost({ one }: { readonly one: ServiceView }) {
  const { costPerHour, state, isOpen } = one;
  if (costPerHour === undefined) return <span class="cost" />;
  const text = `${money(costPerHour)} an hour`;
  if (state === 'down' && isOpen) return <b class="cost">{text}</b>;
  return (
    <span class="cost is-idle">{state === 'down' ? 'costs nothing now' : `${text} if down`}</span>
  );
}

function Hours({ one }: { readonly one: ServiceView }) {
  // By the minute of its turn, not by the second that passes.
  const turn = useComputed(() =>
    one.turnsAt === undefined ? undefined : shortTime(one.turnsAt, clock.value),
  );
  const words =
    turn.value === undefined
      ? 'round the clock'
      : `${one.isOpen ? 'open until' : 'closed until'} ${turn.value}`;
  return (
    <span class="hours" title={hoursWords(one.hours)}>
      {words}
    </span>
  );
}
