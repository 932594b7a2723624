import { type DurationMs, durationMs, type EpochMs } from '../../../protocol/model/units.ts';
import type { DeliveryOutcome } from '../../ports/delivery.ts';
import type { Answer } from './post.ts';

/** Where a 2xx answer holds the ticket's number and address: JSON Pointers (RFC 6901). */
export interface Pointers {
  readonly numberPointer?: string;
  readonly urlPointer?: string;
}

/** Sorts an answer into the kinds of outcome that the ticketer knows. */
export function outcomeOf(answer: Answer, pointers: Pointers, now: EpochMs): DeliveryOutcome {
  const { status } = answer;
  const text = `${status}${summary(answer.body)}`;
  if (status >= 200 && status < 300) {
    const ticket = ticketOf(answer.body, pointers);
    const isTold = ticket.number !== undefined;
    return { kind: 'delivered', answer: isTold ? String(status) : text, ...ticket };
  }
  if (status === 410) return { kind: 'gone', answer: text };
  if (status === 401 || status === 403) return { kind: 'unauthorised', answer: text };
  if (status >= 300 && status < 400) return redirected(answer);
  if (status === 429 || (status >= 502 && status <= 504)) {
    return { kind: 'later', scope: 'destination', answer: text, ...restOf(answer, now) };
  }
  if (status >= 500 || status === 408 || status === 425 || status < 200) {
    return { kind: 'later', scope: 'message', answer: text, ...restOf(answer, now) };
  }
  return { kind: 'refused', answer: text };
}

function redirected({ status, location }: Answer): DeliveryOutcome {
  const to = location === undefined ? '' : ` to ${location.slice(0, 200)}`;
  const text = `${status}: a redirect${to} is not followed; put the final address into url`;
  return { kind: 'later', scope: 'message', answer: text };
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3); nonsense is ignored. */
function restOf({ retryAfter }: Answer, now: EpochMs): { retryAfter?: DurationMs } {
  if (retryAfter === undefined) return {};
  const ms = /^\d{1,9}$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - now;
  return ms > 0 ? { retryAfter: durationMs(ms) } : {};
}

function ticketOf(body: string, pointers: Pointers): { number?: string; url?: string } {
  if (pointers.numberPointer === undefined && pointers.urlPointer === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return {};
  }
  const number = short(resolvePointer(json, pointers.numberPointer), 64);
  const url = short(resolvePointer(json, pointers.urlPointer), 2048);
  return {
    ...(number === undefined ? {} : { number }),
    // The page makes a link of it: javascript: and the like must not get there.
    ...(url !== undefined && /^https?:\/\//i.test(url) && URL.canParse(url) ? { url } : {}),
  };
}

function short(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = oneLine(String(value));
  return text === '' || text.length > max ? undefined : text;
}

/** RFC 6901; undefined when the pointer leads nowhere. */
export function resolvePointer(json: unknown, pointer: string | undefined): unknown {
  if (pointer === undefined) return undefined;
  let at = json;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function summary(body: string): string {
  const text = oneLine(body.slice(0, 400));
  return text === '' ? '' : `: ${text.slice(0, 200)}`;
}

const oneLine = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\s]+/g, ' ').trim();
