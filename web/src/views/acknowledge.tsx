import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { act } from '../live/actions.ts';
import { incidents } from '../live/store.ts';

interface Question {
  readonly id: string;
  readonly verb: 'acknowledge' | 'close';
}

const question = signal<Question | undefined>(undefined);
const NAME_KEY = 'vedette.name';

export const askToAcknowledge = (id: string): void => {
  question.value = { id, verb: 'acknowledge' };
};
export const askToClose = (id: string): void => {
  question.value = { id, verb: 'close' };
};

/** The name typed last; until there are users it is what people are known by. */
export const ownName = (): string => localStorage.getItem(NAME_KEY) ?? '';

const TEXTS = {
  acknowledge: {
    title: 'Acknowledge',
    hint: 'You have it: no more reminders until it resolves, gets worse or the time is over. Watching goes on.',
    button: 'Acknowledge',
    done: 'Acknowledged.',
  },
  close: {
    title: 'Close',
    hint: 'Ends the incident and resolves its ticket, also while it still fails. It stays quiet until it has cleared once or gets worse.',
    button: 'Close incident',
    done: 'Closed.',
  },
} as const;

/** One dialog for both; the browser keeps the focus inside and gives it back. */
export function ActionDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked !== undefined && dialog.current?.open === false) dialog.current.showModal();
  }, [asked]);

  const texts = TEXTS[asked?.verb ?? 'acknowledge'];
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="action-title"
      onClose={() => {
        question.value = undefined;
      }}
    >
      {asked === undefined ? null : (
        <form method="dialog" onSubmit={(event) => submit(event, asked)}>
          <h2 id="action-title">{texts.title}</h2>
          <p class="subject">{incidents.row(asked.id)?.peek().title ?? asked.id}</p>
          <p class="hint">{texts.hint}</p>
          <label>
            Your name
            <input name="by" required maxLength={64} autocomplete="name" defaultValue={ownName()} />
          </label>
          <label>
            Reason <small>(colleagues and the ticket see it)</small>
            <input name="note" maxLength={2000} autocomplete="off" />
          </label>
          {asked.verb === 'acknowledge' ? <Length /> : null}
          <div class="buttons">
            <button type="button" class="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="button is-main">
              {texts.button}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );

  function submit(event: SubmitEvent, { id, verb }: Question): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    if (text('by') === '') return;
    localStorage.setItem(NAME_KEY, text('by'));
    const filled = ['by', 'note', 'for'].filter((name) => text(name) !== '');
    const body = Object.fromEntries(filled.map((name) => [name, text(name)]));
    void act(id, verb, body, TEXTS[verb].done).then(() => dialog.current?.close());
  }
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
