import { type JsonText, objectText, textsText } from '../../rules/json-text.ts';

/** Deeper than this nothing is large: it is written at once. */
const DEPTH = 8;
const PIECE_CHARS = 65_536;

/**
 * What `JSON.stringify` makes of a plain value, made bit by bit. The value must not change meanwhile.
 */
export function* jsonText(value: unknown, depth = DEPTH): Generator<string> {
  if (typeof value !== 'object' || value === null || depth === 0) {
    // In a list what has no JSON is written as null; in an object it is left out.
    yield JSON.stringify(value) ?? 'null';
  } else if (Array.isArray(value)) yield* textsText(textsOf(value, depth - 1));
  else yield* objectText(membersOf(value, depth - 1));
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
