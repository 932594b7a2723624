import type { Money } from '../../protocol/model/incident.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/** "2026-01-05 09:14:02 UTC": one zone for every reader, to the second. */
export const timeText = (at: EpochMs): string =>
  `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** "28 s", "16 min", "2 h 5 min", "3 d 4 h". Rounded down, never negative. */
export function durationText(length: DurationMs): string {
  const s = Math.max(0, Math.floor(length / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 && s % 60 > 0 ? ` ${s % 60} s` : ''}`;
  const [big, small, bigUnit, smallUnit] =
    s < 86_400
      ? [Math.floor(s / 3600), Math.floor((s % 3600) / 60), 'h', 'min']
      : [Math.floor(s / 86_400), Math.floor((s % 86_400) / 3600), 'd', 'h'];
  return `${big} ${bigUnit}${small > 0 ? ` ${small} ${smallUnit}` : ''}`;
}

/** "38 EUR", "12.50 EUR", "1,240 EUR": cents only where they still matter. */
export function moneyText({ amount, currency }: Money): string {
  const isRound = amount >= 100 || Number.isInteger(amount);
  const digits = isRound ? 0 : 2;
  const figure = amount.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${figure} ${currency}`;
}

/**
 * Names come from devices and people: control characters would break a ticket's lines, and
 * direction overrides (U+202A to U+202E, U+2066 to U+2069) can make text read as something else.
 */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();

/** At most `max` UTF-16 units, never cut inside a surrogate pair; the mark shows that something was cut. */
export function clip(text: string, max: number, mark = '…'): string {
  if (text.length <= max) return text;
  const end = max - mark.length;
  const splitsPair = /[\ud800-\udbff]/.test(text[end - 1] ?? '');
  return text.slice(0, splitsPair ? end - 1 : end) + mark;
}

/** One sentence: capital first, full stop last. */
export function sentence(text: string): string {
  const clean = plain(text);
  if (clean === '') return clean;
  const first = clean[0]?.toUpperCase() ?? '';
  return `${first}${clean.slice(1)}${/[.!?…]$/.test(clean) ? '' : '.'}`;
}
