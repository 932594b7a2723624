/**
 * JSON text in pieces of a millisecond or so each: a snapshot of 100,000 series is 40 MB, and made in
 * one go nothing else would happen for half a second. Put together, the pieces are exactly what
 * `JSON.stringify` gives of the whole.
 */
export type JsonText = Iterable<string>;

/** Characters after which a piece ends. */
const PIECE = 65_536;

/** A value that is small as a whole, made when its turn comes. */
export function* valueText(make: () => unknown): Generator<string> {
  yield JSON.stringify(make());
}

/** An array of values, each made only when its turn comes. */
export function* arrayText(items: Iterable<unknown>): Generator<string> {
  let piece = '[';
  let separator = '';
  for (const item of items) {
    piece += separator + JSON.stringify(item);
    separator = ',';
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]`;
}

/** An array of what is text in pieces already. */
export function* textsText(items: Iterable<JsonText>): Generator<string> {
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield* item;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

export function* objectText(members: Readonly<Record<string, JsonText>>): Generator<string> {
  let separator = '{';
  for (const [name, text] of Object.entries(members)) {
    yield `${separator}${JSON.stringify(name)}:`;
    yield* text;
    separator = ',';
  }
  yield separator === '{' ? '{}' : '}';
}
