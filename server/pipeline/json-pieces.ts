/** Deeper than this nothing is large: it is written at once. */
const DEPTH = 8;
const PIECE_CHARS = 65_536;

/**
 * What `JSON.stringify` makes of a plain value, in pieces: so much text at once would stop the event
 * loop for tenths of a second. The value must not change meanwhile.
 */
export function* jsonPieces(value: unknown): Generator<string> {
  let piece = '';
  for (const token of tokensOf(value, DEPTH)) {
    piece += token;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* tokensOf(value: unknown, depth: number): Generator<string> {
  if (typeof value !== 'object' || value === null || depth === 0) {
    // In a list what has no JSON is written as null; in an object it is left out.
    yield JSON.stringify(value) ?? 'null';
  } else if (Array.isArray(value)) yield* tokensOfList(value, depth);
  else yield* tokensOfObject(value, depth);
}

function* tokensOfList(list: readonly unknown[], depth: number): Generator<string> {
  let before = '[';
  for (const one of list) {
    yield before;
    yield* tokensOf(one, depth - 1);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

function* tokensOfObject(value: object, depth: number): Generator<string> {
  let before = '{';
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    yield* tokensOf(one, depth - 1);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}
