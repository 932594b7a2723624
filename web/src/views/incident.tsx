import { useEffect, useState } from 'preact/hooks';
import type { IncidentDetail, IncidentView } from '../../../protocol/wire/views.ts';
import { act, fetchDetail, touched } from '../live/actions.ts';
import { clock, incidents, isOpen, isStale, siteNameOf } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { siteHref } from '../parts/route.ts';
import { Age } from '../parts/time.tsx';
import { count, fullTime, glued, people, span, subjectWords, timeOfDay } from '../parts/words.ts';
import { askToAcknowledge, askToClose, ownName } from './acknowledge.tsx';
import { DecidingGraph } from './deciding-graph.tsx';
import { Severity, Symptoms, Tickets } from './incident-row.tsx';

const REFRESH_MS = 10_000;

type Found = IncidentDetail | 'missing' | undefined;

/** One incident: what broke, why we think so, what to do, what happened; the ticket links here. */
export function Incident({ id }: { readonly id: string }) {
  const [found, setFound] = useState<Found>();
  const live = incidents.row(id)?.value;
  // Read again when the record changes, and now and then for deliveries, which are not on the stream.
  const stamp = `${live?.updatedAt} ${live?.state} ${live?.tickets.map((t) => t.state)} ${touched.value}`;
  useEffect(() => {
    let isGone = false;
    const load = () =>
      fetchDetail(id)
        .then((detail) => {
          if (!isGone) setFound(detail ?? 'missing');
        })
        // The banner says that the server is gone; what was read stays.
        .catch(() => undefined);
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [id, stamp]);

  if (found === 'missing')
    return (
      <div class="detail">
        <Back />
        <h1>No incident has this id</h1>
        <p>It may have been deleted by age, or the link is cut short.</p>
      </div>
    );
  const one: IncidentView | undefined = live ?? found;
  if (one === undefined) return <p class="waiting">Reading the incident…</p>;
  return (
    <article class="detail">
      <Back />
      <Heading one={one} />
      <div class="columns">
        <div class="stack">
          <DecidingGraph one={one} evidence={found?.evidence} />
          <Timeline detail={found} />
        </div>
        <div class="stack">
          <Advice one={one} />
          <Root one={one} />
          <Ticket one={one} />
          <SymptomList one={one} />
        </div>
      </div>
    </article>
  );
}

const Back = () => (
  <a class="back" href="#/now">
    ‹ Now
  </a>
);

function Heading({ one }: { readonly one: IncidentView }) {
  const ended = one.resolvedAt ?? one.updatedAt;
  return (
    <header class="heading">
      <div class="line">
        <Severity one={one} />
        <span class="priority">P{one.priority}</span>
        <span class="id">{one.id}</span>
      </div>
      <h1>{glued(one.title)}</h1>
      <dl class="facts">
        <div>
          <dt>{isOpen(one) ? 'Lasts' : 'Lasted'}</dt>
          <dd>{isOpen(one) ? <Age at={one.onsetAt} /> : span(ended - one.onsetAt)}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd title={fullTime(one.onsetAt)}>{timeOfDay(one.onsetAt)}</dd>
        </div>
        <div>
          <dt>Hits</dt>
          <dd>{people(one.users)}</dd>
        </div>
        {one.site === undefined ? null : (
          <div>
            <dt>Site</dt>
            <dd>
              <a href={siteHref(one.site)}>{siteNameOf(one.site)}</a>
            </dd>
          </div>
        )}
        <div>
          <dt>Impact × urgency</dt>
          <dd>
            {one.impact} × {one.urgency}
          </dd>
        </div>
        {one.reopened > 0 ? (
          <div>
            <dt>Opened again</dt>
            <dd>{count(one.reopened, 'time')}</dd>
          </div>
        ) : null}
        {one.blindSince === undefined ? null : (
          <div class="blind">
            <dt>Blind for</dt>
            <dd>
              <Age at={one.blindSince} />
            </dd>
          </div>
        )}
      </dl>
      <Actions one={one} />
    </header>
  );
}

function Actions({ one }: { readonly one: IncidentView }) {
  if (!isOpen(one)) return null;
  const taken = one.state === 'acknowledged' ? one.acknowledged : undefined;
  return (
    <div class="actions">
      {taken === undefined ? (
        <button
          type="button"
          class="button is-main"
          data-acknowledge
          onClick={() => askToAcknowledge(one.id)}
        >
          Acknowledge
        </button>
      ) : (
        <p class="taken">
          <b>{taken.by}</b> has it until {timeOfDay(taken.until).slice(0, 5)}
          {taken.note ? `: ${taken.note}` : ''}
        </p>
      )}
      {taken === undefined ? null : (
        <button
          type="button"
          class="button"
          onClick={() => {
            void act(one.id, 'unacknowledge', { by: ownName() || taken.by }, 'Given back.');
          }}
        >
          Give back
        </button>
      )}
      <button type="button" class="button" onClick={() => askToClose(one.id)}>
        Close…
      </button>
    </div>
  );
}

function Advice({ one }: { readonly one: IncidentView }) {
  if (one.advice.length === 0) return null;
  return (
    <section class="card is-advice" aria-labelledby="advice-title">
      <h2 id="advice-title">What to do first</h2>
      <ol>
        {one.advice.map((step) => (
          <li key={step}>{glued(step)}</li>
        ))}
      </ol>
    </section>
  );
}

/** What speaks against a hypothesis is as useful at night as what speaks for it. */
const AGAINST = new Set(['no-data', 'flapping', 'late-data', 'held-down']);

function Root({ one }: { readonly one: IncidentView }) {
  const { root } = one;
  const against = root.because.filter((reason) => AGAINST.has(reason.kind));
  const pro = root.because.filter((reason) => !AGAINST.has(reason.kind));
  const sure = Math.round(root.confidence * 100);
  return (
    <section class="card" aria-labelledby="root-title">
      <h2 id="root-title">Suspected root</h2>
      <p class="root">
        <b>{root.cause}</b> on {subjectWords(root.subject)}
      </p>
      <p class="confidence">
        <meter min={0} max={100} value={sure} aria-label="Confidence" />
        <span>{sure} % sure</span>
      </p>
      <h3>For it</h3>
      <ul class="reasons is-for">
        {pro.map((reason) => (
          <li key={reason.text}>{glued(reason.text)}</li>
        ))}
      </ul>
      <h3>Against it, or not known</h3>
      {against.length === 0 ? (
        <p class="none">nothing so far</p>
      ) : (
        <ul class="reasons is-against">
          {against.map((reason) => (
            <li key={reason.text}>{glued(reason.text)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Ticket({ one }: { readonly one: IncidentView }) {
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

function SymptomList({ one }: { readonly one: IncidentView }) {
  if (one.symptoms.length === 0) return null;
  return (
    <section class="card" aria-labelledby="symptoms-title">
      <h2 id="symptoms-title">{count(one.symptoms.length, 'symptom')}</h2>
      <Symptoms one={one} />
    </section>
  );
}

function Timeline({ detail }: { readonly detail: IncidentDetail | undefined }) {
  const day = (at: number) => new Date(at).toDateString();
  return (
    <section class="card" aria-labelledby="timeline-title">
      <h2 id="timeline-title">What happened</h2>
      {detail === undefined ? <p class="none">reading…</p> : null}
      <ol class="timeline">
        {detail?.timeline.map((entry, n) => (
          <li
            key={`${entry.at} ${n}`}
            class={`is-${entry.kind.split('.')[0]} ${kindClass(entry.kind)}`}
          >
            <time dateTime={new Date(entry.at).toISOString()} title={fullTime(entry.at)}>
              {day(entry.at) === day(clock.peek()) ? timeOfDay(entry.at) : fullTime(entry.at)}
            </time>
            <span>{glued(entry.text)}</span>
          </li>
        ))}
        {detail !== undefined && isOpen(detail) && !isStale.value ? (
          <li class="is-now">
            <span>It goes on; watching.</span>
            <Shape mark="unknown" />
          </li>
        ) : null}
      </ol>
    </section>
  );
}

const kindClass = (kind: string): string => `is-${kind.replaceAll('.', '-')}`;
