import { useEffect, useState } from 'preact/hooks';
import type { IncidentDetail, IncidentView } from '../../../protocol/wire/views.ts';
import { act, fetchDetail, notice, touched } from '../live/actions.ts';
import { clock, incidents, isOpen, isStale, siteNameOf } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { incidentHref, siteHref } from '../parts/route.ts';
import { Age } from '../parts/time.tsx';
import { count, fullTime, glued, money, people, span, timeOfDay } from '../parts/words.ts';
import { askTo, ownName } from './ask.tsx';
import { DecidingGraph } from './deciding-graph.tsx';
import { canDecide, costNow, Suffering, SymptomCard, TicketCard, Why } from './incident-parts.tsx';
import { Severity } from './incident-row.tsx';

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
          <DecidingGraph one={one} detail={found} />
          <Timeline detail={found} />
        </div>
        <div class="stack">
          <Advice one={one} />
          <Suffering one={one} />
          <Why one={one} detail={found} />
          <TicketCard one={one} />
          <SymptomCard one={one} />
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
      {one.mergedInto === undefined ? null : <MergedInto id={one.mergedInto} />}
      <dl class="facts">
        <Fact name={isOpen(one) ? 'Lasts' : 'Lasted'}>
          {isOpen(one) ? <Age at={one.onsetAt} /> : span(ended - one.onsetAt)}
        </Fact>
        <Fact name="Since">
          <span title={fullTime(one.onsetAt)}>{timeOfDay(one.onsetAt)}</span>
        </Fact>
        <Fact name="Hits">{hitWords(one)}</Fact>
        <Cost one={one} />
        {one.site === undefined ? null : (
          <Fact name="Site">
            <a href={siteHref(one.site)}>{siteNameOf(one.site)}</a>
          </Fact>
        )}
        <Fact name="Impact × urgency">
          {one.impact} × {one.urgency}
        </Fact>
        {one.reopened > 0 ? <Fact name="Opened again">{count(one.reopened, 'time')}</Fact> : null}
        {one.blindSince === undefined ? null : (
          <Fact name="Blind for" kind="blind">
            <Age at={one.blindSince} />
          </Fact>
        )}
      </dl>
      <Actions one={one} />
    </header>
  );
}

interface FactProps {
  readonly name: string;
  readonly kind?: string;
  readonly children: preact.ComponentChildren;
}

const Fact = ({ name, kind = '', children }: FactProps) => (
  <div class={kind}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

const hitWords = (one: IncidentView): string =>
  (one.sites?.length ?? 0) > 1
    ? `${people(one.users)} at ${count(one.sites?.length ?? 0, 'site')}`
    : people(one.users);

function Cost({ one }: { readonly one: IncidentView }) {
  const { costPerHour, costSoFar } = one;
  const currency = (costPerHour ?? costSoFar)?.currency;
  const amount = costNow(one);
  if (currency === undefined || amount === undefined) return null;
  return (
    <>
      {costPerHour === undefined || !isOpen(one) ? null : (
        <Fact name="Costs an hour" kind="cost">
          {money(costPerHour)}
        </Fact>
      )}
      <Fact name={isOpen(one) ? 'So far' : 'Cost'} kind="cost">
        {money({
          amount: amount < 10 ? Math.round(amount * 100) / 100 : Math.round(amount),
          currency,
        })}
      </Fact>
    </>
  );
}

/** Where it goes on: from here a person must find the incident that is worked on. */
function MergedInto({ id }: { readonly id: string }) {
  const into = incidents.row(id)?.value;
  return (
    <p class="merged">
      Became part of <a href={incidentHref(id)}>{into === undefined ? id : glued(into.title)}</a>
      {into === undefined ? '' : ` (${id})`}; it goes on there.
    </p>
  );
}

function Actions({ one }: { readonly one: IncidentView }) {
  if (!canDecide(one)) return null;
  const taken = one.state === 'acknowledged' ? one.acknowledged : undefined;
  const worker = one.takenOver;
  const { id } = one;
  return (
    <div class="actions">
      {taken === undefined ? null : (
        <p class="taken">
          <b>{taken.by}</b> has it until {timeOfDay(taken.until).slice(0, 5)}
          {taken.note ? `: ${taken.note}` : ''}
        </p>
      )}
      {worker === undefined ? null : (
        <p class="taken">
          <b>{worker.by}</b> works on it by hand; it does not resolve by itself
          {worker.note ? `: ${worker.note}` : ''}
        </p>
      )}
      {taken === undefined && worker === undefined ? (
        <Button isMain text="Acknowledge" onClick={() => askTo({ verb: 'acknowledge', id })} />
      ) : (
        <Button text="Give back" onClick={() => giveBack(one)} />
      )}
      {worker === undefined ? (
        <Button text="Take over…" onClick={() => askTo({ verb: 'take-over', id })} />
      ) : null}
      <Button text="Merge into…" onClick={() => askTo({ verb: 'merge', id })} />
      <Button text="Close…" onClick={() => askTo({ verb: 'close', id })} />
    </div>
  );
}

interface ButtonProps {
  readonly text: string;
  readonly onClick: () => void;
  readonly isMain?: boolean;
}

const Button = ({ text, onClick, isMain = false }: ButtonProps) => (
  <button type="button" class={`button ${isMain ? 'is-main' : ''}`} onClick={onClick}>
    {text}
  </button>
);

function giveBack(one: IncidentView): void {
  const by = ownName() || (one.acknowledged ?? one.takenOver)?.by || 'somebody';
  void act(one.id, 'unacknowledge', { by }, 'Given back.').then((failure) => {
    if (failure !== undefined) notice.value = { text: failure, isBad: true };
  });
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
