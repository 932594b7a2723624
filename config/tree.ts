import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { ConfigProblem, Origin } from './problem.ts';

/** A YAML value that knows where each of its parts was written. */
export type Tree =
  | {
      readonly kind: 'scalar';
      readonly value: string | number | boolean | null;
      /** As written, so that `circuit: 0815` stays what it is. */
      readonly text: string;
      readonly origin: Origin;
    }
  | { readonly kind: 'list'; readonly entries: readonly Tree[]; readonly origin: Origin }
  | {
      readonly kind: 'map';
      readonly entries: ReadonlyMap<string, TreeEntry>;
      readonly origin: Origin;
    };

export interface TreeEntry {
  readonly key: Origin;
  readonly value: Tree;
}

/** Aliases can make a small file enormous, or endless. */
const MAX_NODES = 500_000;
const MAX_DEPTH = 32;

export const emptyTree = (origin: Origin): Tree => ({ kind: 'map', entries: new Map(), origin });

/** Parses one YAML file. Errors of the syntax come back as problems with their place. */
export function parseTree(
  text: string,
  source: string,
): { readonly tree: Tree; readonly problems: ConfigProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const problems: ConfigProblem[] = document.errors.map((error) => ({
    at: place(error.pos[0]),
    path: '',
    message: `this is not YAML: ${error.message}`,
  }));
  const top: Origin = { source, line: 1, column: 1 };
  let nodes = 0;

  function convert(node: Node | null, origin: Origin, depth: number): Tree {
    if (++nodes > MAX_NODES || depth > MAX_DEPTH) throw new TooLargeError(origin);
    const at = node?.range ? place(node.range[0]) : origin;
    if (isAlias(node)) return convert(node.resolve(document) ?? null, at, depth + 1);
    if (isMap(node)) return { kind: 'map', entries: entriesOf(node, at, depth), origin: at };
    if (!isSeq(node)) return scalar(node, at);
    const entries = node.items.map((child) => convert(child as Node | null, at, depth + 1));
    return { kind: 'list', entries, origin: at };
  }

  function entriesOf(node: YAMLMap, at: Origin, depth: number): Map<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    for (const pair of node.items) {
      const keyNode = pair.key as Node;
      const key = keyNode.range ? place(keyNode.range[0]) : at;
      const name = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
      entries.set(name, { key, value: convert(pair.value as Node | null, key, depth + 1) });
    }
    return entries;
  }

  if (problems.length > 0) return { tree: emptyTree(top), problems };
  try {
    const tree = document.contents === null ? emptyTree(top) : convert(document.contents, top, 0);
    return { tree, problems };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    problems.push({ at: error.origin, path: '', message: error.message });
    return { tree: emptyTree(top), problems };
  }
}

class TooLargeError extends Error {
  readonly origin: Origin;
  constructor(origin: Origin) {
    super(`nested deeper than ${MAX_DEPTH} levels or larger than ${MAX_NODES} values`);
    this.origin = origin;
  }
}

function scalar(node: Node | null, at: Origin): Tree {
  const origin = withText(node, at);
  const value = isScalar(node) ? node.value : null;
  const written = isScalar(node) ? node.source : undefined;
  if (value === null || typeof value === 'boolean' || typeof value === 'number') {
    return { kind: 'scalar', value, text: written ?? String(value ?? ''), origin };
  }
  return { kind: 'scalar', value: String(value), text: String(value), origin };
}

/** Only of texts whose characters stand in the file one by one can a place inside be told. */
function withText(node: Node | null, origin: Origin): Origin {
  if (!isScalar(node) || origin.column === undefined) return origin;
  const isOneLine = typeof node.value === 'string' && node.source === node.value;
  const quote = { PLAIN: 0, QUOTE_SINGLE: 1, QUOTE_DOUBLE: 1 }[String(node.type)];
  if (!isOneLine || quote === undefined) return origin;
  return { ...origin, textColumn: origin.column + quote };
}

const isEmpty = (tree: Tree): boolean => tree.kind === 'scalar' && tree.value === null;

/** Later over earlier: maps merge, lists append, single values replace, an empty one changes nothing. */
export function mergeTrees(first: Tree, second: Tree): Tree {
  if (isEmpty(second)) return first;
  if (first.kind === 'list' && second.kind === 'list') {
    return { ...first, entries: [...first.entries, ...second.entries] };
  }
  if (first.kind !== 'map' || second.kind !== 'map') return second;
  const entries = new Map(first.entries);
  for (const [name, entry] of second.entries) {
    const before = entries.get(name);
    const value = before === undefined ? entry.value : mergeTrees(before.value, entry.value);
    entries.set(name, { key: before?.key ?? entry.key, value });
  }
  return { ...first, entries };
}
