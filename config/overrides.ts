import type { ConfigProblem, Origin } from './problem.ts';
import { propertiesOf, type Shape } from './shape.ts';
import { emptyTree, parseTree, type Tree, type TreeEntry } from './tree.ts';
import { didYouMean } from './words.ts';

const PREFIX = 'VEDETTE__';

/** `VEDETTE__SERVER__PUBLIC_URL` and `publicUrl` are the same name. */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * Puts `VEDETTE__SECTION__KEY=value` over what the files say. The value is read as YAML. Entries
 * of lists are named by their id or their number: `VEDETTE__TICKETS__DESTINATIONS__DESK__URL`.
 */
export function overrideTree(
  shape: Shape,
  tree: Tree,
  env: Readonly<Record<string, string | undefined>>,
): { readonly tree: Tree; readonly problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  let result = tree;
  for (const name of Object.keys(env)
    .filter((key) => key.startsWith(PREFIX))
    .sort()) {
    const origin: Origin = { source: `environment variable ${name}` };
    const parsed = parseTree(env[name] ?? '', origin.source);
    const report = (message: string): void => {
      problems.push({ at: origin, path: '', message });
    };
    if (parsed.problems.length > 0) report('its value is not YAML');
    else {
      const parts = name.slice(PREFIX.length).split('__');
      result = place(shape, result, parts, withOrigin(parsed.tree, origin), report);
    }
  }
  return { tree: result, problems };
}

/** Places inside the value of a variable say nothing: the variable's name is the place. */
function withOrigin(tree: Tree, origin: Origin): Tree {
  if (tree.kind === 'scalar') return { ...tree, origin };
  if (tree.kind === 'list') {
    return { ...tree, entries: tree.entries.map((entry) => withOrigin(entry, origin)), origin };
  }
  const entries = [...tree.entries].map(([name, { value }]): [string, TreeEntry] => [
    name,
    { key: origin, value: withOrigin(value, origin) },
  ]);
  return { kind: 'map', entries: new Map(entries), origin };
}

function place(
  shape: Shape,
  tree: Tree | undefined,
  parts: readonly string[],
  value: Tree,
  report: (message: string) => void,
): Tree {
  const [part, ...rest] = parts;
  // Lists and sections given whole replace what the files say: an override is the last word.
  if (part === undefined) return value;
  const here = tree ?? emptyTree(value.origin);
  if (shape.type === 'array') return placeInList(shape, here, part, rest, value, report);
  const names = propertiesOf(shape);
  const [, record] = Object.entries(shape.patternProperties ?? {})[0] ?? [];
  const known = here.kind === 'map' ? [...here.entries.keys()] : [];
  const name =
    names.find(([candidate]) => fold(candidate) === fold(part))?.[0] ??
    (record && (known.find((candidate) => fold(candidate) === fold(part)) ?? part.toLowerCase()));
  if (name === undefined) {
    report(
      `there is no "${part}" in the configuration${didYouMean(
        part,
        names.map(([n]) => n),
      )}`,
    );
    return here;
  }
  const child = record ?? (shape.properties?.[name] as Shape);
  const before = here.kind === 'map' ? here.entries.get(name) : undefined;
  const placed = place(child, before?.value, rest, value, report);
  const entries = new Map(here.kind === 'map' ? here.entries : []);
  entries.set(name, { key: before?.key ?? value.origin, value: placed });
  return { kind: 'map', entries, origin: here.origin };
}

function placeInList(
  shape: Shape,
  tree: Tree,
  part: string,
  rest: readonly string[],
  value: Tree,
  report: (message: string) => void,
): Tree {
  const entries = tree.kind === 'list' ? tree.entries : [];
  const index = /^\d+$/.test(part)
    ? Number(part)
    : entries.findIndex((entry) => fold(idOfEntry(entry)) === fold(part));
  const before = entries[index];
  if (before === undefined) {
    report(`the list has no entry "${part}"${didYouMean(part, entries.map(idOfEntry))}`);
    return tree;
  }
  const placed = place(shape.items ?? {}, before, rest, value, report);
  return { kind: 'list', entries: entries.with(index, placed), origin: tree.origin };
}

function idOfEntry(entry: Tree): string {
  const id = entry.kind === 'map' ? entry.entries.get('id')?.value : undefined;
  return id?.kind === 'scalar' ? id.text : '';
}
