import type { RulePack } from './pack.ts';
import { type ConfigProblem, DEFAULT_ORIGIN, type Origin, pathText } from './problem.ts';
import type { Config } from './schema.ts';
import { didYouMean } from './words.ts';

/** Collects what is wrong (or only odd) between parts that are each well-formed. */
export interface Findings {
  readonly config: Config;
  readonly pack: RulePack;
  error(pointer: string, message: string): void;
  /** The same, at a character of a text (from 0). */
  errorInside(pointer: string, offset: number, message: string): void;
  warn(pointer: string, message: string): void;
  /** Reports an id that names nothing, with the nearest one that does. False when it does. */
  isUnknown(pointer: string, what: string, id: string, known: ReadonlySet<string>): boolean;
}

export interface Collected {
  readonly findings: Findings;
  readonly problems: ConfigProblem[];
  readonly warnings: ConfigProblem[];
}

/** @param spoilt pointers that a problem was already reported for: one is enough */
export function collectFindings(
  config: Config,
  pack: RulePack,
  origins: ReadonlyMap<string, Origin>,
  spoilt: ReadonlySet<string>,
): Collected {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const add = (list: ConfigProblem[], pointer: string, message: string): void => {
    const path = pathText(pointer);
    if (!spoilt.has(path)) list.push({ at: originOf(origins, pointer), path, message });
  };
  const findings: Findings = {
    config,
    pack,
    error: (pointer, message) => add(problems, pointer, message),
    errorInside: (pointer, offset, message) => {
      const path = pathText(pointer);
      const at = originOf(origins, pointer);
      const isKnown = at.textColumn !== undefined;
      const place = isKnown ? { ...at, column: at.textColumn + offset } : at;
      const text = isKnown ? message : `character ${offset + 1}: ${message}`;
      if (!spoilt.has(path)) problems.push({ at: place, path, message: text });
    },
    warn: (pointer, message) => add(warnings, pointer, message),
    isUnknown: (pointer, what, id, known) => {
      if (id === '' || known.has(id)) return false;
      add(problems, pointer, `there is no ${what} "${id}"${didYouMean(id, known)}`);
      return true;
    },
  };
  return { findings, problems, warnings };
}

/** The place of a value, or of the nearest thing around it that somebody wrote. */
function originOf(origins: ReadonlyMap<string, Origin>, pointer: string): Origin {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins.get(at);
    if (origin !== undefined && origin !== DEFAULT_ORIGIN) return origin;
  }
  return origins.get('') ?? DEFAULT_ORIGIN;
}

/** Reports ids that occur twice. */
export function checkTwins(
  findings: Findings,
  section: string,
  entries: readonly { readonly id: string }[],
): void {
  const seen = new Set<string>();
  for (const [n, { id }] of entries.entries()) {
    if (id !== '' && seen.has(id)) {
      findings.error(`${section}/${n}/id`, `"${id}" is already used in ${pathText(section)}`);
    }
    seen.add(id);
  }
}

/** Ids of which each leads back to itself by `next`; each loop is reported once, at its first id. */
export function findLoops(
  ids: readonly string[],
  next: (id: string) => readonly string[],
): string[][] {
  const state = new Map<string, 'open' | 'done'>();
  const loops: string[][] = [];
  const visit = (id: string, trail: readonly string[]): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') {
      loops.push([...trail.slice(trail.indexOf(id)), id]);
      return;
    }
    state.set(id, 'open');
    for (const other of next(id)) visit(other, [...trail, id]);
    state.set(id, 'done');
  };
  for (const id of ids) visit(id, []);
  return loops;
}
