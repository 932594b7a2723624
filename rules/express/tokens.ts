/** Where a text is wrong, and why; `offset` counts characters from its beginning. */
export interface ExpressionProblem {
  readonly offset: number;
  readonly message: string;
  /** A name that names no metric, for a hint at the nearest one. */
  readonly unknown?: string;
}

/** Ends the reading of an expression; never leaves this folder. */
export class WrongExpression extends Error {
  readonly offset: number;
  readonly unknown: string | undefined;
  constructor(offset: number, message: string, unknown?: string) {
    super(message);
    this.offset = offset;
    this.unknown = unknown;
  }
}

export interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** A rule that needs more is a program. */
const MAX_LENGTH = 2000;

const PATTERN =
  /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<sign>>=|<=|==|!=|[-+*/()<>,%°]))/y;

/** Cuts an expression into its words. @throws WrongExpression at what belongs to no word. */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_LENGTH) {
    throw new WrongExpression(MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
  }
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let at = 0;
  while (at < end) {
    PATTERN.lastIndex = at;
    const found = PATTERN.exec(text);
    if (found === null) throw new WrongExpression(blankEnd(text, at), strange(text, at));
    const [kind, word] = wordOf(found.groups ?? {});
    at = PATTERN.lastIndex;
    tokens.push({ kind, text: word, offset: at - word.length });
  }
  tokens.push({ kind: 'end', text: '', offset: end });
  return tokens;
}

function wordOf(groups: Record<string, string | undefined>): [Token['kind'], string] {
  const { number, name, sign } = groups as { number?: string; name?: string; sign?: string };
  if (number !== undefined) return ['number', number];
  return name === undefined ? ['sign', sign ?? ''] : ['name', name];
}

const blankEnd = (text: string, at: number): number =>
  at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);

const strange = (text: string, at: number): string =>
  `"${text[blankEnd(text, at)] ?? ''}" means nothing here`;
