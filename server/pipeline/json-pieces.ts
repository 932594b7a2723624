import { type JsonText, objectText, textsText } from '../../rules/json-text.ts';

/** Deeper than this nothing is large: it is written at once. */
const DEPTH = 8;
const PIECE_CHARS = 65_536;

/** A value of so few parts is written at once: a generator for each of thousands costs ten times more. */
const FEW_PARTS = 64;

/**
 * What `JSON.stringify` makes of a plain value, made bit by bit. The value must not change meanwhile.
 */
export function* jsonText(value: unknown, depth = DEPTH): Generator<string> {
  if (depth === 0 || partsLeft(value, FEW_PARTS) > 0) {
    // In a list what has no JSON is written as null; in an object it is left out.
    yield JSON.stringify(value) ?? 'null';
  } else if (Array.isArray(value)) yield* textsText(textsOf(value, depth - 1));
  else yield* objectText(membersOf(value as object, depth - 1));
}

/** How many of so many parts a value leaves over; none when it has more. */
function partsLeft(value: unknown, parts: number): number {
  if (typeof value !== 'object' || value === null) return parts - 1;
  let left = parts - 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left > 0; i++) left = partsLeft(value[i], left);
  } else for (const name in value) if (left > 0) left = partsLeft((value as never)[name], left);
  return left;
}

function* textsOf(list: readonly unknown[], depth: number): Generator<JsonText> {
  for (const one of list) yield jsonText(one, depth);
}

const membersOf = (value: object, depth: number): Record<string, JsonText> =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, jsonText(one, depth)]),
  );

/** The same text in pieces worth a write each: all at once would stop the event loop for tenths of a second. */
export function* inPieces(text: JsonText): Generator<string> {
  let piece = '';
  for (const part of text) {
    piece += part;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
