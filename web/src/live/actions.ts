import { signal } from '@preact/signals';
import type { IncidentDetail } from '../../../protocol/wire/views.ts';
import { incidents } from './store.ts';

/** What a person did last, or why it failed; shown until the next one. */
export const notice = signal<{ readonly text: string; readonly isBad: boolean } | undefined>(
  undefined,
);

/** Grows when the record of an incident changed by our own hand, so that its detail is read again. */
export const touched = signal(0);

export async function fetchDetail(id: string): Promise<IncidentDetail | undefined> {
  const answer = await fetch(`/api/v1/incidents/${encodeURIComponent(id)}`);
  return answer.ok ? ((await answer.json()) as IncidentDetail) : undefined;
}

export type Verb =
  | 'acknowledge'
  | 'unacknowledge'
  | 'close'
  | 'take-over'
  | 'merge'
  | 'split'
  | 'not-the-cause';

/** Sends a command about an incident; undefined when the engine has taken it, else why it did not. */
export async function act(
  id: string,
  verb: Verb,
  body: Readonly<Record<string, string>>,
  done: string,
): Promise<string | undefined> {
  const failure = await send(`/api/v1/incidents/${encodeURIComponent(id)}/${verb}`, body);
  if (failure === undefined) notice.value = { text: done, isBad: false };
  touched.value += 1;
  return failure;
}

const ANSWER_WITHIN_MS = 8_000;

async function send(url: string, body: object): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const said = (await answer.json()) as IncidentDetail & { title?: string; detail?: string };
    if (!answer.ok) return `${said.title ?? 'Refused'}: ${said.detail ?? answer.statusText}`;
    // The stream brings it too, within a second; a click should show at once.
    if (incidents.row(said.id) !== undefined) incidents.change([said]);
    return undefined;
  } catch (error) {
    if ((error as Error).name === 'TimeoutError')
      return `No answer within ${ANSWER_WITHIN_MS / 1000} s. It may still be carried out: look again before you repeat it.`;
    return 'The server did not answer; nothing was changed as far as we know.';
  }
}
