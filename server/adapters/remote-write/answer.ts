import { type DurationMs, durationMs } from '../../../protocol/model/units.ts';
import type { WriteOutcome } from '../../ports/remote-write.ts';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Its beginning. */
  readonly body: string;
}

/** One bad sample makes the receiver refuse all that came with it (400), or there was too much (413). */
const DIVISIBLE: ReadonlySet<number> = new Set([400, 413, 422]);

/** Sorts an answer by the rules of remote write 1.0: 5xx and 429 again, other 4xx never again. */
export function outcomeOf({ status, retryAfter, body }: Answer, nowMs: number): WriteOutcome {
  if (status >= 200 && status < 300) return { kind: 'written' };
  const answer = `${status}${summary(body)}`;
  if (status === 429 || (status >= 502 && status <= 504)) {
    return { kind: 'later', scope: 'destination', answer, ...restOf(retryAfter, nowMs) };
  }
  if (status >= 500 || status === 408 || status === 425) {
    return { kind: 'later', scope: 'request', answer, ...restOf(retryAfter, nowMs) };
  }
  if (status >= 300 && status < 400) {
    const text = `${answer}; redirects are not followed: put the final address into url`;
    return { kind: 'refused', isDivisible: false, answer: text };
  }
  return { kind: 'refused', isDivisible: DIVISIBLE.has(status), answer };
}

/** Seconds or a date (RFC 9110, 10.2.3); nonsense is ignored. */
function restOf(retryAfter: string | null, nowMs: number): { retryAfter?: DurationMs } {
  if (retryAfter === null) return {};
  const text = retryAfter.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return ms > 0 ? { retryAfter: durationMs(ms) } : {};
}

function summary(body: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = body.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\s]+/g, ' ');
  return text.trim() === '' ? '' : `: ${text.trim().slice(0, 200)}`;
}
