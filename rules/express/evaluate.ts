import type { Node, Operand } from './parse.ts';

/** The value of an operand, or undefined when nobody knows it now. */
export type Reader = (operand: Operand) => number | undefined;

/**
 * True, false, or undefined for "nobody knows": `and` with one false part is false whatever the rest
 * is, `or` with one true part is true (Kleene's logic). Dividing by zero gives nothing known.
 */
export function holds(node: Node, read: Reader): boolean | undefined {
  switch (node.kind) {
    case 'not': {
      const inner = holds(node.of, read);
      return inner === undefined ? undefined : !inner;
    }
    case 'logic':
      return logic(node.sign === 'and', node.left, node.right, read);
    case 'comparison': {
      const [left, right] = [figureOf(node.left, read), figureOf(node.right, read)];
      return left === undefined || right === undefined
        ? undefined
        : compare(node.sign, left, right);
    }
    default:
      return undefined;
  }
}

function logic(isAnd: boolean, left: Node, right: Node, read: Reader): boolean | undefined {
  const a = holds(left, read);
  // The rest cannot change it, and most conditions are false by their first part.
  if (a === !isAnd) return a;
  const b = holds(right, read);
  if (b === !isAnd) return b;
  return a === undefined || b === undefined ? undefined : isAnd;
}

function compare(sign: string, left: number, right: number): boolean {
  switch (sign) {
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '==':
      return left === right;
    default:
      return left !== right;
  }
}

function figureOf(node: Node, read: Reader): number | undefined {
  switch (node.kind) {
    case 'figure':
      return node.value;
    case 'operand':
      return read(node.operand);
    case 'minus': {
      const inner = figureOf(node.of, read);
      return inner === undefined ? undefined : -inner;
    }
    case 'sum':
    case 'product': {
      const [left, right] = [figureOf(node.left, read), figureOf(node.right, read)];
      return left === undefined || right === undefined ? undefined : reckon(node.sign, left, right);
    }
    default:
      return undefined;
  }
}

function reckon(sign: string, left: number, right: number): number | undefined {
  if (sign === '+') return left + right;
  if (sign === '-') return left - right;
  if (sign === '*') return left * right;
  return right === 0 ? undefined : left / right;
}
