/** Values of a series, `undefined` where there is no sample. */
export type Spread =
  | { readonly ok: true; readonly values: readonly (number | undefined)[] }
  | { readonly ok: false; readonly message: string };

const NUMBER = '-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?';
const WORD = new RegExp(`^(_|${NUMBER})(?:([+-]\\d+(?:\\.\\d+)?)?x(\\d{1,7}))?$`);
/** Two weeks at 5 s and then some. */
const MAX_VALUES = 500_000;

/**
 * The notation of promtool: `1` one value, `1x4` five ones (the value and four more), `1+2x3` is
 * 1 3 5 7, `10-1x2` is 10 9 8, `_` no sample, `_x3` three times none.
 */
export function spreadValues(text: string): Spread {
  const values: (number | undefined)[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const spread = spreadWord(word, MAX_VALUES - values.length);
    if (!spread.ok) return spread;
    for (const value of spread.values) values.push(value);
  }
  return { ok: true, values };
}

function spreadWord(word: string, room: number): Spread {
  const wrong = (message: string): Spread => ({ ok: false, message });
  const found = WORD.exec(word);
  if (found === null) {
    return wrong(`"${word.slice(0, 40)}" is no value: expected 1, 1x4, 1+2x3 or _`);
  }
  const [, first = '', step, times] = found;
  const isGap = first === '_';
  if (isGap && step !== undefined) return wrong(`"${word}": a gap has no step`);
  const count = times === undefined ? 1 : Number(times) + (isGap ? 0 : 1);
  if (count > room) return wrong(`more than ${MAX_VALUES} values`);
  const valueAt = (_: unknown, i: number) =>
    isGap ? undefined : stepped(Number(first), Number(step ?? 0), i);
  return { ok: true, values: Array.from({ length: count }, valueAt) };
}

/** Without the dust of binary fractions: 0.1+0.1x2 is 0.1 0.2 0.3. */
const stepped = (first: number, step: number, times: number): number =>
  Number((first + step * times).toPrecision(12));
