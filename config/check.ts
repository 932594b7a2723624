import { type ConfigProblem, DEFAULT_ORIGIN, type Origin, pathText } from './problem.ts';
import { constantsOf, expectedOf, placeholder, propertiesOf, type Shape } from './shape.ts';
import type { Tree, TreeEntry } from './tree.ts';
import { didYouMean } from './words.ts';

/** A checked value, with defaults filled in and the origin of every part by JSON Pointer. */
export interface Checked {
  readonly value: unknown;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly problems: ConfigProblem[];
}

/**
 * Checks a tree against a shape and reports every problem, not only the first. The value always
 * has the type of the shape: what is wrong is replaced by a placeholder, so that cross-checks can
 * go on.
 */
export function checkTree(shape: Shape, tree: Tree): Checked {
  const origins = new Map<string, Origin>();
  const problems: ConfigProblem[] = [];
  const walk: Walk = {
    origins,
    report: (pointer, at, message) => problems.push({ at, path: pathText(pointer), message }),
  };
  const value = visit(walk, shape, tree, '');
  return { value, origins, problems };
}

interface Walk {
  readonly origins: Map<string, Origin>;
  report(pointer: string, at: Origin, message: string): void;
}

type Entries = ReadonlyMap<string, TreeEntry>;

const isEmpty = (tree: Tree): boolean => tree.kind === 'scalar' && tree.value === null;

function visit(walk: Walk, shape: Shape, tree: Tree, pointer: string): unknown {
  walk.origins.set(pointer, tree.origin);
  if (shape.anyOf !== undefined) return visitChoice(walk, shape, tree, pointer);
  if (shape.type === 'object') return visitObject(walk, shape, tree, pointer);
  if (shape.type === 'array') return visitList(walk, shape, tree, pointer);
  return visitScalar(walk, shape, tree, pointer);
}

function wrong(walk: Walk, shape: Shape, tree: Tree, pointer: string, hint = ''): unknown {
  walk.report(pointer, tree.origin, `expected ${expectedOf(shape)}${found(shape, tree)}${hint}`);
  return placeholder(shape);
}

/** What was found instead. Never the text of something that should have been a secret. */
function found(shape: Shape, tree: Tree): string {
  if (isEmpty(tree)) return ', found nothing';
  if (tree.kind !== 'scalar') return tree.kind === 'list' ? ', found a list' : ', found a section';
  const isSecret = shape.expected?.includes('secrets are never written') === true;
  return isSecret ? '' : `, found "${tree.text.slice(0, 80)}"`;
}

function visitChoice(walk: Walk, shape: Shape, tree: Tree, pointer: string): unknown {
  const options = shape.anyOf ?? [];
  const words = options.map((option) => option.const).filter((word) => typeof word === 'string');
  if (tree.kind === 'scalar') {
    if (words.includes(tree.text)) return tree.text;
    const text = options.find((option) => option.type === 'string' && option.const === undefined);
    if (text !== undefined && !isEmpty(tree)) return visitScalar(walk, text, tree, pointer);
    const hint = constantsOf(shape).length > 0 ? didYouMean(tree.text, words) : '';
    return wrong(walk, shape, tree, pointer, hint);
  }
  const sections = options.filter((option) => option.type === 'object');
  if (tree.kind !== 'map' || sections.length === 0) return wrong(walk, shape, tree, pointer);
  const best = closest(sections, tree);
  return best === undefined ? wrong(walk, shape, tree, pointer) : visit(walk, best, tree, pointer);
}

/** The option that a section was meant to be: by its words (`kind: threshold`), then by its keys. */
function closest(options: readonly Shape[], tree: Tree & { kind: 'map' }): Shape | undefined {
  let best: Shape | undefined;
  let bestScore = 0;
  for (const option of options) {
    let score = 0;
    for (const [name, property] of propertiesOf(option)) {
      const given = tree.entries.get(name)?.value;
      if (given === undefined) continue;
      const isWord = property.const !== undefined;
      if (isWord && given.kind === 'scalar' && given.text === property.const) score += 100;
      else if (!isWord) score += 1;
    }
    if (score > bestScore) [best, bestScore] = [option, score];
  }
  return best;
}

function visitObject(walk: Walk, shape: Shape, tree: Tree, pointer: string): unknown {
  if (tree.kind !== 'map' && !isEmpty(tree)) return wrong(walk, shape, tree, pointer);
  const entries: Entries = tree.kind === 'map' ? tree.entries : new Map();
  const [record] = Object.entries(shape.patternProperties ?? {});
  if (record !== undefined) return visitRecord(walk, record, entries, pointer);
  const value: Record<string, unknown> = {};
  const required = new Set(shape.required ?? []);
  for (const [name, property] of propertiesOf(shape)) {
    const entry = entries.get(name);
    const at = `${pointer}/${name}`;
    if (entry !== undefined && !isEmpty(entry.value)) {
      value[name] = visit(walk, property, entry.value, at);
    } else if (property.default !== undefined) {
      value[name] = fill(walk, property, at);
    } else if (required.has(name)) {
      const origin = entry?.key ?? tree.origin;
      walk.report(pointer, origin, `"${name}" is missing: expected ${expectedOf(property)}`);
      value[name] = placeholder(property);
    }
  }
  reportUnknown(walk, shape, entries, pointer);
  return value;
}

function reportUnknown(walk: Walk, shape: Shape, entries: Entries, pointer: string): void {
  const known = Object.keys(shape.properties ?? {});
  for (const [name, entry] of entries) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) || `; known here: ${known.join(', ')}`;
    walk.report(pointer, entry.key, `unknown key "${name}"${hint}`);
  }
}

function visitRecord(
  walk: Walk,
  [pattern, shape]: [string, Shape],
  entries: Entries,
  pointer: string,
): unknown {
  const value: Record<string, unknown> = {};
  for (const [name, entry] of entries) {
    if (!new RegExp(pattern).test(name)) {
      walk.report(pointer, entry.key, `"${name}" is not a name: letters, digits, ".", "_", "-"`);
    } else value[name] = visit(walk, shape, entry.value, `${pointer}/${name}`);
  }
  return value;
}

/** A value that nobody wrote: its default, and the defaults inside it. */
function fill(walk: Walk, shape: Shape, pointer: string): unknown {
  walk.origins.set(pointer, DEFAULT_ORIGIN);
  if (shape.type !== 'object' || shape.properties === undefined) return shape.default;
  const value: Record<string, unknown> = {};
  for (const [name, property] of propertiesOf(shape)) {
    if (property.default !== undefined) value[name] = fill(walk, property, `${pointer}/${name}`);
  }
  return value;
}

function visitList(walk: Walk, shape: Shape, tree: Tree, pointer: string): unknown {
  if (tree.kind !== 'list') return wrong(walk, shape, tree, pointer);
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items = {} } = shape;
  const count = tree.entries.length;
  if (count < minItems || count > maxItems) {
    const bounds = count < minItems ? `at least ${minItems}` : `at most ${maxItems}`;
    walk.report(pointer, tree.origin, `expected ${bounds} entries, found ${count}`);
  }
  return tree.entries.map((entry, n) => visit(walk, items, entry, `${pointer}/${n}`));
}

function visitScalar(walk: Walk, shape: Shape, tree: Tree, pointer: string): unknown {
  if (tree.kind !== 'scalar' || isEmpty(tree)) return wrong(walk, shape, tree, pointer);
  switch (shape.type) {
    case 'string':
      // `circuit: 0815` and `version: 3` are texts to whoever writes them.
      return fitsString(shape, tree.text) ? tree.text : wrong(walk, shape, tree, pointer);
    case 'boolean':
      return typeof tree.value === 'boolean' ? tree.value : wrong(walk, shape, tree, pointer);
    default:
      return fitsNumber(shape, tree.value) ? tree.value : wrong(walk, shape, tree, pointer);
  }
}

function fitsString(shape: Shape, text: string): boolean {
  if (shape.const !== undefined) return text === shape.const;
  const { minLength = 0, maxLength = 4096, pattern } = shape;
  if (text.length < minLength || text.length > maxLength) return false;
  return pattern === undefined || new RegExp(pattern).test(text);
}

function fitsNumber(shape: Shape, value: unknown): boolean {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (shape.type === 'integer' && !Number.isInteger(value)) return false;
  return value >= (shape.minimum ?? -Infinity) && value <= (shape.maximum ?? Infinity);
}
