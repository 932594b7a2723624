import type { Reason } from '../../../protocol/model/alert.ts';
import type { HitService } from '../../../protocol/model/incident.ts';
import type { IncidentDetail, IncidentView } from '../../../protocol/wire/views.ts';
import { clock, isOpen, services, siteNameOf, subjectName } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { incidentHref, siteHref } from '../parts/route.ts';
import { Age } from '../parts/time.tsx';
import {
  count,
  glued,
  money,
  people,
  SERVICE_MARKS,
  span,
  symptomsOf,
  timeOfDay,
} from '../parts/words.ts';
import { askTo } from './ask.tsx';
import { MoreSymptoms, Tickets } from './incident-row.tsx';

/** More sites than this are a number, not a list. */
const SITES_SHOWN = 12;
const HOUR_MS = 3_600_000;

/** What it has cost until now: the engine adds up at each change, the time since is ours to add. */
export function costNow(one: IncidentView): number | undefined {
  const { costSoFar, costPerHour } = one;
  if (costSoFar === undefined && costPerHour === undefined) return undefined;
  const since = isOpen(one) ? Math.max(0, clock.value - one.updatedAt) : 0;
  return (costSoFar?.amount ?? 0) + ((costPerHour?.amount ?? 0) * since) / HOUR_MS;
}

/** Services, sites and people: what it means to those who do not know what a circuit is. */
export function Suffering({ one }: { readonly one: IncidentView }) {
  const sites = one.sites ?? (one.site === undefined ? [] : [one.site]);
  const hit = one.services ?? [];
  const hasServices = services.ids.value.length > 0;
  if (hit.length === 0 && sites.length === 0 && !hasServices) return null;
  return (
    <section class="card is-suffer" aria-labelledby="suffer-title">
      <h2 id="suffer-title">Who suffers</h2>
      {hit.length === 0 ? (
        <p class="none">{hasServices ? 'No service of the configuration needs it.' : null}</p>
      ) : (
        <ul class="hits">
          {hit.map((service) => (
            <Hit key={service.id} service={service} />
          ))}
        </ul>
      )}
      <p class="places">
        {people(one.users)}
        {sites.length === 0 ? null : (
          <>
            {sites.length === 1 ? '; site ' : '; sites '}
            {sites.slice(0, SITES_SHOWN).map((id, n) => (
              <span key={id}>
                {n === 0 ? '' : ', '}
                <a href={siteHref(id)}>{siteNameOf(id)}</a>
              </span>
            ))}
            {sites.length > SITES_SHOWN ? ` and ${sites.length - SITES_SHOWN} more sites` : ''}
          </>
        )}
      </p>
    </section>
  );
}

function Hit({ service }: { readonly service: HitService }) {
  const { mark, word } = SERVICE_MARKS[service.state];
  const { costPerHour, downFor } = service;
  return (
    <li>
      <Shape mark={mark} />
      <b class="name">{service.name}</b>
      <span class="state">{word}</span>
      <small>
        {people(service.users)}
        {service.isOpen ? '' : ', outside its hours'}
        {costPerHour === undefined ? '' : `, ${money(costPerHour)} an hour while down`}
        {downFor < 1000 ? '' : `, down for ${span(downFor)} so far`}
      </small>
    </li>
  );
}

/** What speaks against a hypothesis is as useful at night as what speaks for it. */
const AGAINST = new Set<Reason['kind']>(['no-data', 'flapping', 'late-data', 'held-down']);

interface WhyProps {
  readonly one: IncidentView;
  readonly detail: IncidentDetail | undefined;
}

/** The chain of reasons: why this root, what speaks against it, why it opened, what was kept quiet. */
export function Why({ one, detail }: WhyProps) {
  const { root } = one;
  const against = root.because.filter((reason) => AGAINST.has(reason.kind));
  const pro = root.because.filter((reason) => !AGAINST.has(reason.kind));
  const said = new Set(root.because.map((reason) => reason.text));
  // The engine's reasons name the step again ("opened: …").
  const opened = one.because
    .filter(({ kind }) => kind !== 'person' && kind !== 'cleared')
    .map((reason) => ({ ...reason, text: reason.text.replace(/^opened: /, '') }))
    .filter((reason) => !said.has(reason.text));
  const sure = Math.round(root.confidence * 100);
  const further = symptomsOf(one);
  return (
    <section class="card why" aria-labelledby="root-title">
      <h2 id="root-title">Suspected root</h2>
      <p class="root">
        <b>{root.cause}</b> on {subjectName(root.subject)}
      </p>
      <p class="confidence">
        <meter min={0} max={100} value={sure} aria-label="Confidence" />
        <span>{sure} % sure</span>
        {canDecide(one) ? (
          <button
            type="button"
            class="button is-small"
            onClick={() =>
              askTo({
                verb: 'not-the-cause',
                id: one.id,
                alert: root.alert,
                subject: root.subject,
              })
            }
          >
            Not the cause…
          </button>
        ) : null}
      </p>
      <h3>For it</h3>
      <Reasons kind="is-for" reasons={pro} />
      <h3>Against it, or not known</h3>
      {against.length === 0 ? (
        <p class="none">nothing so far</p>
      ) : (
        <Reasons kind="is-against" reasons={against} />
      )}
      {opened.length === 0 ? null : (
        <>
          <h3>Why it is an incident</h3>
          <Reasons kind="is-plain" reasons={opened} />
        </>
      )}
      {one.symptoms.length === 0 ? null : (
        <p class="kept">
          {count(further.count, 'further alert')} opened nothing of{' '}
          {further.count === 1
            ? 'its own, because this explains it'
            : 'their own, because this explains them'}
          {further.cleared === 0 ? '' : `; ${further.cleared} cleared since`}.
        </p>
      )}
      <Absorbed detail={detail} />
    </section>
  );
}

function Reasons({ kind, reasons }: { readonly kind: string; reasons: readonly Reason[] }) {
  return (
    <ul class={`reasons ${kind}`}>
      {reasons.map((reason) => (
        <li key={reason.text}>{glued(reason.text)}</li>
      ))}
    </ul>
  );
}

function Absorbed({ detail }: { readonly detail: IncidentDetail | undefined }) {
  if (detail === undefined || detail.absorbed.length === 0) return null;
  return (
    <>
      <h3>{count(detail.absorbed.length, 'incident')} became part of it</h3>
      <ul class="absorbed">
        {detail.absorbed.map(({ id, title, at }) => (
          <li key={id}>
            <a href={incidentHref(id)}>{glued(title)}</a> <small>at {timeOfDay(at)}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Open, and not part of another: there is something left to decide. */
export const canDecide = (one: IncidentView): boolean =>
  isOpen(one) && one.mergedInto === undefined;

export function TicketCard({ one }: { readonly one: IncidentView }) {
  return (
    <section class="card" aria-labelledby="ticket-title">
      <h2 id="ticket-title">Tickets</h2>
      <ul class="tickets">
        {one.tickets.length === 0 ? <li class="none">None by routing.</li> : null}
        {one.tickets.map((ticket) => (
          <li key={ticket.destination}>
            <span>{ticket.destination}</span>
            <Tickets one={{ ...one, tickets: [ticket] }} />
            <small>
              {ticket.attempts === 0
                ? 'waits until root and extent are known'
                : count(ticket.attempts, 'attempt')}
              {ticket.lastAnswer ? `, last answer: ${ticket.lastAnswer}` : ''}
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Each with why it was held in, and a way out of it. */
export function SymptomCard({ one }: { readonly one: IncidentView }) {
  if (one.symptoms.length === 0) return null;
  return (
    <section class="card" aria-labelledby="symptoms-title">
      <h2 id="symptoms-title">{count(symptomsOf(one).count, 'symptom')}</h2>
      <ul class="symptoms">
        {one.symptoms.map((symptom) => {
          const isCleared = symptom.clearedAt !== undefined;
          const name = subjectName(symptom.subject);
          return (
            <li key={symptom.alert} class={isCleared ? 'is-cleared' : ''}>
              <div class="line">
                <p>
                  <b>{name}</b> {symptom.rule}
                </p>
                {isCleared || !canDecide(one) ? null : (
                  <button
                    type="button"
                    class="button is-small"
                    aria-label={`Split off ${symptom.rule} on ${name}`}
                    onClick={() => {
                      const { alert, subject } = symptom;
                      askTo({ verb: 'split', id: one.id, alert, subject });
                    }}
                  >
                    Split off…
                  </button>
                )}
              </div>
              <span>{glued(symptom.because.text)}</span>
              {symptom.clearedAt === undefined ? null : (
                <span>
                  cleared <Age at={symptom.clearedAt} suffix=" ago" />
                </span>
              )}
            </li>
          );
        })}
        <MoreSymptoms one={one} />
      </ul>
    </section>
  );
}
