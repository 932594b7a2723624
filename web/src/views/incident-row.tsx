import { useState } from 'preact/hooks';
import type { IncidentView } from '../../../protocol/wire/views.ts';
import { incidents, siteNameOf, subjectName } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { incidentHref } from '../parts/route.ts';
import { Spark } from '../parts/spark.tsx';
import { Age } from '../parts/time.tsx';
import {
  count,
  glued,
  markOf,
  money,
  people,
  percent,
  SERVICE_MARKS,
  SEVERITY_WORDS,
  symptomsOf,
  ticketWords,
} from '../parts/words.ts';
import { askTo } from './ask.tsx';

export function Severity({ one }: { readonly one: IncidentView }) {
  const mark = markOf(one);
  const word =
    mark === 'up' ? (one.state === 'closed' ? 'Closed' : 'Resolved') : SEVERITY_WORDS[one.severity];
  return (
    <span class={`severity is-${mark}`}>
      <Shape mark={mark} />
      {word}
    </span>
  );
}

/** One open incident: how bad, what, where, since when, who has it; its symptoms folded under it. */
export function IncidentRow({ id }: { readonly id: string }) {
  const one = incidents.row(id)?.value;
  const [isUnfolded, setUnfolded] = useState(false);
  if (one === undefined) return null;
  const mark = markOf(one);
  return (
    <li
      class={`incident is-${mark} ${one.state === 'acknowledged' || one.takenOver ? 'is-taken' : ''}`}
    >
      <div class="line">
        <Severity one={one} />
        <span class="priority">P{one.priority}</span>
        <a class="title" href={incidentHref(id)} data-row data-incident={id}>
          {glued(one.title)}
        </a>
        <span class="age">
          <Age at={one.openedAt} />
        </span>
      </div>
      <div class="line is-second">
        <p class="cause">
          <span>
            <span class="label">Suspected root: </span>
            <b class="what">{one.root.cause}</b>, {percent(one.root.confidence)} sure
          </span>
          <span>{siteName(one)}</span>
          <span>{people(one.users)}</span>
          <Business one={one} />
          {one.blindSince === undefined ? null : (
            <span class="blind">
              <Shape mark="unknown" /> blind for <Age at={one.blindSince} />
            </span>
          )}
        </p>
        {one.deciding === undefined ? null : <Spark series={one.deciding} since={one.onsetAt} />}
      </div>
      <div class="line is-third">
        {one.symptoms.length === 0 ? (
          <span class="chip is-plain">no symptoms</span>
        ) : (
          <button
            type="button"
            class="chip"
            aria-expanded={isUnfolded}
            onClick={() => setUnfolded(!isUnfolded)}
          >
            <span class="fold" aria-hidden="true" />
            {count(symptomsOf(one).count, 'symptom')}
          </button>
        )}
        <Tickets one={one} />
        <Taken one={one} />
      </div>
      {isUnfolded ? <Symptoms one={one} /> : null}
    </li>
  );
}

/** What it means in services and money, in one breath. */
function Business({ one }: { readonly one: IncidentView }) {
  const hit = (one.services ?? []).filter(({ state }) => state !== 'healthy');
  const [worst] = hit;
  return (
    <>
      {worst === undefined ? null : (
        <span class="what">
          {worst.name} {SERVICE_MARKS[worst.state].word.toLowerCase()}
          {hit.length > 1 ? ` and ${count(hit.length - 1, 'other service')}` : ''}
        </span>
      )}
      {one.costPerHour === undefined ? null : (
        <span class="what">{money(one.costPerHour)} an hour</span>
      )}
    </>
  );
}

const siteName = (one: IncidentView): string =>
  one.site === undefined ? subjectName(one.subject) : siteNameOf(one.site);

export function Tickets({ one }: { readonly one: IncidentView }) {
  if (one.tickets.length === 0) return <span class="chip is-plain">not ticketed</span>;
  return one.tickets.map((ticket) => {
    const isWebAddress = ticket.url !== undefined && /^https?:\/\//.test(ticket.url);
    const words = ticketWords(ticket);
    const title = `${ticket.destination}${ticket.lastAnswer ? `: ${ticket.lastAnswer}` : ''}`;
    const className = `chip is-plain ${ticket.state === 'failed' ? 'is-failed' : ''}`;
    return isWebAddress ? (
      <a
        key={ticket.destination}
        class={className}
        href={ticket.url}
        title={title}
        rel="noreferrer"
      >
        {words}
      </a>
    ) : (
      <span key={ticket.destination} class={className} title={title}>
        {words}
      </span>
    );
  });
}

function Taken({ one }: { readonly one: IncidentView }) {
  if (one.takenOver !== undefined)
    return (
      <span class="taken">
        <b>{one.takenOver.by}</b> works on it
        {one.takenOver.note ? `: ${one.takenOver.note}` : ''}
      </span>
    );
  if (one.acknowledged !== undefined && one.state === 'acknowledged')
    return (
      <span class="taken">
        <b>{one.acknowledged.by}</b> has it
        {one.acknowledged.note ? `: ${one.acknowledged.note}` : ''}
      </span>
    );
  return (
    <button
      type="button"
      class="button is-small"
      onClick={() => askTo({ verb: 'acknowledge', id: one.id })}
    >
      Acknowledge
    </button>
  );
}

export function Symptoms({ one }: { readonly one: IncidentView }) {
  return (
    <ul class="symptoms">
      {one.symptoms.map((symptom) => (
        <li key={symptom.alert} class={symptom.clearedAt === undefined ? '' : 'is-cleared'}>
          <b>{subjectName(symptom.subject)}</b> {symptom.rule}
          <span>{symptom.because.text}</span>
          {symptom.clearedAt === undefined ? null : (
            <span>
              cleared <Age at={symptom.clearedAt} suffix=" ago" />
            </span>
          )}
        </li>
      ))}
      <MoreSymptoms one={one} />
    </ul>
  );
}

/** The last line of a list that is not whole. */
export function MoreSymptoms({ one }: { readonly one: IncidentView }) {
  const { unlisted } = symptomsOf(one);
  return unlisted === 0 ? null : <li>and {unlisted.toLocaleString('en')} more</li>;
}
