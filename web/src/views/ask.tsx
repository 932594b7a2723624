import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { IncidentView } from '../../../protocol/wire/views.ts';
import { act, type Verb } from '../live/actions.ts';
import { incidents, isOpen, subjectName } from '../live/store.ts';
import { go, incidentHref } from '../parts/route.ts';
import { count, glued, symptomsOf } from '../parts/words.ts';

/** What a person is about to do; `alert` and `subject` where one alert of the incident is meant. */
export interface Question {
  readonly verb: Exclude<Verb, 'unacknowledge'>;
  readonly id: string;
  readonly alert?: string;
  readonly subject?: string;
}

const question = signal<Question | undefined>(undefined);
const NAME_KEY = 'vedette.name';

export const askTo = (asked: Question): void => {
  question.value = asked;
};

/** The name typed last; until there are users it is what people are known by. */
export const ownName = (): string => localStorage.getItem(NAME_KEY) ?? '';

interface Texts {
  readonly title: string;
  /** What will happen, before it happens. */
  readonly hint: (one: IncidentView | undefined, asked: Question) => string;
  readonly button: string;
  readonly done: string;
}

const TEXTS: Record<Question['verb'], Texts> = {
  acknowledge: {
    title: 'Acknowledge',
    hint: () =>
      'You have it: no more reminders until it resolves, gets worse or the time is over. Watching goes on, and it still resolves by itself.',
    button: 'Acknowledge',
    done: 'Acknowledged.',
  },
  'take-over': {
    title: 'Take over',
    hint: (one) =>
      `You work on it by hand. Watching goes on, but it no longer resolves by itself${ticketsOf(one, ', and neither does')}: close it, or give it back, when you are done.`,
    button: 'Take over',
    done: 'Taken over: it stays open until you close it or give it back.',
  },
  close: {
    title: 'Close',
    hint: (one) =>
      `Ends the incident${ticketsOf(one, ' and resolves')}, also while it still fails. It stays quiet until it has cleared once or gets worse.`,
    button: 'Close incident',
    done: 'Closed.',
  },
  merge: {
    title: 'Merge into another incident',
    hint: (one) =>
      `This incident ends here: ${count((one === undefined ? 0 : symptomsOf(one).count) + 1, 'alert')} and the history go on in the one you choose${ticketsOf(one, ', and')}${hasTickets(one) ? ' says where' : ''}. The engine never parts them again.`,
    button: 'Merge',
    done: 'Merged: it goes on in this incident.',
  },
  split: {
    title: 'Split off',
    hint: (_one, { subject = '' }) =>
      `${subjectName(subject)} leaves this incident and is a trouble of its own: an incident opens for it, with its own ticket if routing wants one. The engine never puts it back.`,
    button: 'Split off',
    done: 'Split off: it is a trouble of its own now.',
  },
  'not-the-cause': {
    title: 'Not the cause',
    hint: (one, { subject = '' }) =>
      `"${one?.root.cause}" on ${subjectName(subject)} is taken off as the suspected root and is not proposed again here; the next best explanation takes its place, as soon as there is one.`,
    button: 'It is not the cause',
    done: 'Noted: another cause is sought.',
  },
};

const hasTickets = (one: IncidentView | undefined): boolean => numbersOf(one) !== '';

const numbersOf = (one: IncidentView | undefined): string =>
  (one?.tickets ?? [])
    .filter(({ state }) => state === 'open' || state === 'sending')
    .map(({ number, destination }) => number ?? `the ticket at ${destination}`)
    .join(', ');

const ticketsOf = (one: IncidentView | undefined, before: string): string =>
  hasTickets(one) ? `${before} ${numbersOf(one)}` : '';

/** One dialog for every decision; the browser keeps the focus inside and gives it back. */
export function ActionDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [refusal, setRefusal] = useState<string>();
  const [isSending, setSending] = useState(false);
  const asked = question.value;
  useEffect(() => {
    setRefusal(undefined);
    if (asked !== undefined && dialog.current?.open === false) dialog.current.showModal();
  }, [asked]);

  const texts = TEXTS[asked?.verb ?? 'acknowledge'];
  const one = asked && incidents.row(asked.id)?.peek();
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="action-title"
      aria-describedby="action-hint"
      onClose={() => {
        question.value = undefined;
      }}
    >
      {asked === undefined ? null : (
        <form
          // Another question: nothing of the last one may stay in the fields.
          key={`${asked.verb} ${asked.id} ${asked.alert}`}
          method="dialog"
          onSubmit={(event) => submit(event, asked)}
        >
          <h2 id="action-title">{texts.title}</h2>
          <p class="subject">{glued(one?.title ?? asked.id)}</p>
          <p class="hint" id="action-hint">
            {texts.hint(one, asked)}
          </p>
          {asked.verb === 'merge' ? <Others id={asked.id} /> : null}
          <label>
            Your name
            <input name="by" required maxLength={64} autocomplete="name" defaultValue={ownName()} />
          </label>
          <label>
            {asked.verb === 'not-the-cause' ? 'Why not, in a few words' : 'Reason'}{' '}
            <small>(colleagues and the ticket see it)</small>
            <input name="note" maxLength={2000} autocomplete="off" />
          </label>
          {asked.verb === 'acknowledge' ? <Length /> : null}
          {refusal === undefined ? null : (
            <p class="refusal" role="alert">
              {refusal}
            </p>
          )}
          <div class="buttons">
            <button type="button" class="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="button is-main" disabled={isSending}>
              {texts.button}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );

  function submit(event: SubmitEvent, { id, verb, alert }: Question): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    if (text('by') === '' || (verb === 'merge' && text('into') === '')) return;
    localStorage.setItem(NAME_KEY, text('by'));
    const filled = ['by', 'note', 'for', 'into'].filter((name) => text(name) !== '');
    const body = Object.fromEntries(filled.map((name) => [name, text(name)]));
    setSending(true);
    setRefusal(undefined);
    void act(id, verb, alert === undefined ? body : { ...body, alert }, TEXTS[verb].done).then(
      (failure) => {
        setSending(false);
        setRefusal(failure);
        if (failure !== undefined) return;
        dialog.current?.close();
        if (verb === 'merge') go(incidentHref(text('into')));
      },
    );
  }
}

/** Open incidents that this one may become part of. */
function Others({ id }: { readonly id: string }) {
  const others = incidents.ids.value.flatMap((other) => {
    const one = incidents.row(other)?.peek();
    return one !== undefined && other !== id && isOpen(one) ? [one] : [];
  });
  if (others.length === 0)
    return <p class="none">No other incident is open, so there is nothing to merge into.</p>;
  return (
    <label>
      Becomes part of
      <select name="into" required>
        {others.map((one) => (
          <option key={one.id} value={one.id}>
            P{one.priority} {one.title} ({one.id})
          </option>
        ))}
      </select>
    </label>
  );
}

function Length() {
  return (
    <label>
      For
      <select name="for">
        <option value="">the usual time</option>
        <option value="30m">30 minutes</option>
        <option value="2h">2 hours</option>
        <option value="8h">8 hours</option>
        <option value="1d">1 day</option>
        <option value="7d">7 days</option>
      </select>
    </label>
  );
}
