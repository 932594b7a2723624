import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import type { DurationMs } from '../../protocol/model/units.ts';
import { durationMs } from '../../protocol/model/units.ts';
import { type Token, tokensOf, WrongExpression } from './tokens.ts';
import { type Dimension, isCounter, isRuleMetric, unitOf, windowUnitOf } from './units.ts';

export const FOLDS = ['mean', 'min', 'max'] as const;
export type Fold = (typeof FOLDS)[number];

/** A metric of the subject: its newest value, or folded over the trailing time. */
export interface Operand {
  readonly metric: RuleMetricName;
  readonly fold: 'last' | Fold;
  /** 0 for `last`. */
  readonly over: DurationMs;
}

/** The tree of an expression. `offset`: where it begins in the text. */
export type Node =
  | {
      readonly kind: 'figure';
      readonly value: number;
      readonly dimension: Dimension;
      readonly offset: number;
    }
  | { readonly kind: 'operand'; readonly operand: Operand; readonly offset: number }
  | {
      readonly kind: 'sum' | 'product' | 'comparison' | 'logic';
      readonly sign: string;
      readonly left: Node;
      readonly right: Node;
      readonly offset: number;
    }
  | { readonly kind: 'not' | 'minus'; readonly of: Node; readonly offset: number };

const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='];
const MAX_DEPTH = 32;

/**
 * expression = and ("or" and)* · and = not ("and" not)* · not = "not" not | comparison
 * comparison = sum (sign sum)? · sum = product (("+" | "-") product)* · product = atom (("*" | "/") atom)*
 * atom = figure unit? | metric | fold "(" metric "," time ")" | "(" expression ")" | "-" atom
 * @throws WrongExpression
 */
export function parse(text: string): Node {
  const tokens = tokensOf(text);
  let next = 0;
  let depth = 0;
  const peek = (): Token => tokens[next] as Token;
  const isSign = (sign: string): boolean => peek().kind === 'sign' && peek().text === sign;
  const isWord = (word: string): boolean => peek().kind === 'name' && peek().text === word;

  function take(): Token {
    const token = peek();
    if (token.kind !== 'end') next += 1;
    return token;
  }

  function expect(sign: string): void {
    if (isSign(sign)) take();
    else throw wrongHere(`expected "${sign}"`);
  }

  function wrongHere(message: string): WrongExpression {
    const { kind, text: found, offset } = peek();
    return new WrongExpression(
      offset,
      `${message}, found ${kind === 'end' ? 'the end' : `"${found}"`}`,
    );
  }

  function chain(kind: 'logic' | 'sum' | 'product', isNext: () => boolean, part: () => Node): Node {
    let left = part();
    while (isNext()) {
      const { text: sign } = take();
      left = { kind, sign, left, right: part(), offset: left.offset };
    }
    return left;
  }

  const any = (): Node => chain('logic', () => isWord('or'), all);
  const all = (): Node => chain('logic', () => isWord('and'), negation);
  const sum = (): Node => chain('sum', () => isSign('+') || isSign('-'), product);
  const product = (): Node => chain('product', () => isSign('*') || isSign('/'), atom);

  function negation(): Node {
    if (!isWord('not')) return comparison();
    const { offset } = take();
    return deeper(() => ({ kind: 'not', of: negation(), offset }));
  }

  function comparison(): Node {
    const left = sum();
    const { kind, text: sign } = peek();
    if (kind !== 'sign' || !COMPARISONS.includes(sign)) return left;
    take();
    return { kind: 'comparison', sign, left, right: sum(), offset: left.offset };
  }

  function deeper(read: () => Node): Node {
    if (++depth > MAX_DEPTH) throw wrongHere(`nested deeper than ${MAX_DEPTH} levels`);
    const node = read();
    depth -= 1;
    return node;
  }

  function atom(): Node {
    const { kind, offset } = peek();
    if (kind === 'number') return figure();
    if (isSign('-')) {
      take();
      return deeper(() => ({ kind: 'minus', of: atom(), offset }));
    }
    if (isSign('(')) {
      take();
      const inner = deeper(any);
      expect(')');
      return inner;
    }
    if (kind === 'name') return named();
    throw wrongHere('expected a metric, a figure or "("');
  }

  function figure(): Node {
    const { text: digits, offset } = take();
    const [name, words] = unitHere();
    const unit = name === '' ? undefined : unitOf(name);
    if (unit === undefined)
      return { kind: 'figure', value: Number(digits), dimension: 'number', offset };
    next += words;
    const [dimension, factor] = unit;
    return { kind: 'figure', value: Number(digits) * factor, dimension, offset };
  }

  /** The unit behind a figure and how many words it has: `%`, `ms`, `Mbit/s`, `/s`, `°C`. */
  function unitHere(): [string, number] {
    const [a, b, c] = [0, 1, 2].map((n) => tokens[next + n]?.text ?? '') as [
      string,
      string,
      string,
    ];
    if (unitOf(a + b + c) !== undefined && b === '/') return [a + b + c, 3];
    if ((a === '/' || a === '°') && unitOf(a + b) !== undefined) return [a + b, 2];
    return unitOf(a) === undefined ? ['', 0] : [a, 1];
  }

  function named(): Node {
    const { text: name, offset } = take();
    const fold = FOLDS.find((one) => one === name);
    if (fold === undefined) {
      return {
        kind: 'operand',
        operand: { metric: metric(name, offset), fold: 'last', over: durationMs(0) },
        offset,
      };
    }
    expect('(');
    const inner = take();
    const over = { metric: metric(inner.text, inner.offset), fold, over: windowAfter() };
    expect(')');
    return { kind: 'operand', operand: over, offset };
  }

  function windowAfter(): DurationMs {
    expect(',');
    const { kind, text: digits, offset } = peek();
    if (kind !== 'number') throw wrongHere('expected a length of time such as 5 min');
    take();
    const factor = windowUnitOf(peek().text);
    if (factor === undefined) throw wrongHere('expected s, min, h or d');
    take();
    const over = Number(digits) * factor;
    if (over >= 1000 && over <= 7 * 86_400_000) return durationMs(over);
    throw new WrongExpression(offset, 'expected 1 s to 7 d');
  }

  const tree = any();
  if (peek().kind !== 'end') throw wrongHere('expected "and", "or" or the end');
  return tree;
}

function metric(name: string, offset: number): RuleMetricName {
  if (!isRuleMetric(name)) throw new WrongExpression(offset, `there is no metric "${name}"`, name);
  if (!isCounter(name)) return name;
  throw new WrongExpression(offset, `${name} is a counter, which only grows; judge its rate`);
}
