import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type Node, type Operand, parse } from './parse.ts';
import { type ExpressionProblem, WrongExpression } from './tokens.ts';
import { type Dimension, dimensionOf, EXAMPLE_UNIT } from './units.ts';

/** A condition that has been checked: names, types and units fit. */
export interface Condition {
  readonly tree: Node;
  /** Each once, in the order of the text. */
  readonly operands: readonly Operand[];
  readonly metrics: readonly RuleMetricName[];
}

/** Reads and checks a condition such as `mean(icmp_loss_ratio, 1 min) > 5 % and device_cpu_ratio > 90 %`. */
export function compileCondition(
  text: string,
):
  | { readonly ok: true; readonly condition: Condition }
  | ({ readonly ok: false } & ExpressionProblem) {
  try {
    const tree = parse(text);
    if (typeOf(tree) !== 'condition') {
      throw new WrongExpression(
        tree.offset,
        'expected a condition, found a figure: compare it with something',
      );
    }
    const operands = distinct(operandsOf(tree));
    if (operands.length === 0) throw new WrongExpression(tree.offset, 'names no metric');
    const metrics = [...new Set(operands.map((operand) => operand.metric))];
    return { ok: true, condition: { tree, operands, metrics } };
  } catch (error) {
    if (!(error instanceof WrongExpression)) throw error;
    const { offset, message, unknown } = error;
    return { ok: false, offset, message, ...(unknown === undefined ? {} : { unknown }) };
  }
}

/** Every operand of a tree, as often as it is named. */
export function operandsOf(node: Node): Operand[] {
  switch (node.kind) {
    case 'figure':
      return [];
    case 'operand':
      return [node.operand];
    case 'not':
    case 'minus':
      return operandsOf(node.of);
    default:
      return [...operandsOf(node.left), ...operandsOf(node.right)];
  }
}

export const operandText = ({ metric, fold, over }: Operand): string =>
  fold === 'last' ? metric : `${fold}(${metric}, ${over / 1000} s)`;

const distinct = (operands: readonly Operand[]): Operand[] => [
  ...new Map(operands.map((operand) => [operandText(operand), operand])).values(),
];

type Type = Dimension | 'condition';

/** The type of a tree. @throws WrongExpression where parts do not fit. */
function typeOf(node: Node): Type {
  switch (node.kind) {
    case 'figure':
      return node.dimension;
    case 'operand':
      return dimensionOf(node.operand.metric);
    case 'not':
      wantCondition(node.of);
      return 'condition';
    case 'minus':
      return wantFigure(node.of);
    case 'logic':
      wantCondition(node.left);
      wantCondition(node.right);
      return 'condition';
    case 'comparison':
      wantSame(node.left, node.right);
      return 'condition';
    case 'sum':
      return wantSame(node.left, node.right);
    case 'product':
      return productOf(node);
  }
}

function wantCondition(node: Node): void {
  if (typeOf(node) === 'condition') return;
  throw new WrongExpression(node.offset, 'expected a condition, found a figure');
}

function wantFigure(node: Node): Dimension {
  const type = typeOf(node);
  if (type !== 'condition') return type;
  throw new WrongExpression(node.offset, 'expected a figure, found a condition');
}

/** Bare figures stand for ratios, counts and the like, but not for what has a unit. */
function wantSame(left: Node, right: Node): Dimension {
  const [a, b] = [wantFigure(left), wantFigure(right)];
  if (a === b) return a;
  if (isBareRatio(a, b)) return 'ratio';
  // Nothing is nothing, in whatever unit.
  if (isZero(left)) return b;
  if (isZero(right)) return a;
  const [bare, other] = a === 'number' ? [left, b] : [right, a];
  if (a !== 'number' && b !== 'number') {
    throw new WrongExpression(right.offset, `a ${a} cannot be compared with or added to a ${b}`);
  }
  throw new WrongExpression(
    bare.offset,
    `expected a ${other}, found a bare figure: write a unit behind it, such as ${EXAMPLE_UNIT[other]}`,
  );
}

const isZero = (node: Node): boolean => node.kind === 'figure' && node.value === 0;

const isBareRatio = (a: Dimension, b: Dimension): boolean =>
  (a === 'ratio' && b === 'number') || (a === 'number' && b === 'ratio');

const isBare = (type: Dimension): boolean => type === 'number' || type === 'ratio';

function productOf({
  sign,
  left,
  right,
}: Extract<Node, { kind: 'product' | 'sum' | 'comparison' | 'logic' }>): Dimension {
  const [a, b] = [wantFigure(left), wantFigure(right)];
  if (sign === '/' && a === b) return 'number';
  if (isBare(b)) return a;
  if (isBare(a) && sign === '*') return b;
  throw new WrongExpression(
    right.offset,
    `a ${a} cannot be ${sign === '/' ? 'divided by' : 'multiplied with'} a ${b}`,
  );
}
