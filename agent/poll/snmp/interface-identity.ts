import type { InterfaceRow } from '../../ports/snmp.ts';

/**
 * An interface as it was last seen, with the id it keeps. Devices renumber ifIndex at a restart, people
 * rename aliases, modules are swapped: what stays the same of name, alias and MAC decides.
 */
export interface KnownInterface {
  /** Readable and unique on its device; fits SUBJECT_PATTERN behind `interface:DEVICE/`. */
  readonly id: string;
  readonly ifIndex: number;
  /** ifName, or ifDescr where a device has no ifName; '' where it has neither. */
  readonly name: string;
  readonly descr?: string;
  readonly alias?: string;
  readonly mac?: string;
  /** Set while the device no longer lists it: remembered, so that it gets its id back. */
  readonly absent?: true;
}

export interface Identified {
  readonly known: readonly KnownInterface[];
  /** Id by ifIndex of this poll. */
  readonly ids: ReadonlyMap<number, string>;
  /** Whether `known` differs from before and is worth writing down. */
  readonly changed: boolean;
}

type Facts = Omit<KnownInterface, 'id' | 'absent'>;
type KeyOf = (facts: Facts) => string | undefined;

interface Phase {
  readonly key: KeyOf;
  /** Take a pair only where nothing else on either side has this key, matched or not. */
  readonly unique: boolean;
}

const key = (...parts: readonly (string | undefined)[]): string =>
  parts.map((part) => part ?? '').join('\u0000');

/** From all evidence to little. The name goes before the MAC: a swapped module is the same port. */
const PHASES: readonly Phase[] = [
  { key: (f) => key(f.name, f.descr, f.alias, f.mac), unique: false },
  { key: (f) => key(f.name, f.alias, f.mac), unique: false },
  { key: (f) => (f.mac === undefined ? undefined : key(f.name, f.mac)), unique: false },
  { key: (f) => (f.alias === undefined ? undefined : key(f.name, f.alias)), unique: false },
  { key: (f) => (f.descr === undefined ? undefined : key(f.name, f.descr)), unique: false },
  { key: (f) => (f.name === '' ? undefined : f.name), unique: false },
  // Renamed by a new release of the device's software: only a MAC that nobody shares can tell.
  { key: (f) => f.mac, unique: true },
];

/** Absent interfaces that are remembered per device, at least; never more than are present. */
const ABSENT_MIN = 64;

/**
 * Gives every row of a poll with names its id: the one it had, or a new one. Duplicates that nothing
 * tells apart keep their ifIndex, then their order. Linear in the number of rows.
 */
export function identifyInterfaces(
  known: readonly KnownInterface[],
  rows: readonly InterfaceRow[],
): Identified {
  const matches = new Map<Facts, KnownInterface>();
  const facts = rows.map(factsOf).sort((a, b) => a.ifIndex - b.ifIndex);
  for (const phase of PHASES) matchPhase(phase, facts, known, matches);

  const taken = new Set(known.map((each) => each.id));
  const present = facts.map((each): KnownInterface => {
    const id = matches.get(each)?.id ?? freshId(each, taken);
    taken.add(id);
    return { id, ...each };
  });
  const matched = new Set(matches.values());
  const absent = known
    .filter((each) => !matched.has(each))
    .map((each): KnownInterface => ({ ...each, absent: true }))
    .slice(0, Math.max(ABSENT_MIN, present.length));
  const next = [...present, ...absent];
  return {
    known: next,
    ids: new Map(present.map((each) => [each.ifIndex, each.id])),
    changed: JSON.stringify(next) !== JSON.stringify(known),
  };
}

function factsOf(row: InterfaceRow): Facts {
  return {
    ifIndex: row.ifIndex,
    name: row.name ?? row.descr ?? '',
    ...(row.descr === undefined ? {} : { descr: row.descr }),
    ...(row.alias === undefined ? {} : { alias: row.alias }),
    ...(row.mac === undefined ? {} : { mac: row.mac }),
  };
}

function matchPhase(
  phase: Phase,
  facts: readonly Facts[],
  known: readonly KnownInterface[],
  matches: Map<Facts, KnownInterface>,
): void {
  const used = new Set(matches.values());
  const rowsByKey = groupBy(facts, phase.key);
  const knownByKey = groupBy(known, phase.key);
  for (const [text, candidates] of rowsByKey) {
    const others = knownByKey.get(text);
    if (others === undefined) continue;
    if (phase.unique && (candidates.length > 1 || others.length > 1)) continue;
    pairUp(
      candidates.filter((each) => !matches.has(each)),
      others.filter((each) => !used.has(each)),
      matches,
    );
  }
}

function groupBy<T extends Facts>(all: readonly T[], keyOf: KeyOf): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const text = keyOf(each);
    if (text === undefined) continue;
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [each]);
    else group.push(each);
  }
  return groups;
}

/** Rows and known interfaces that look alike: same ifIndex first, then in order, present ones first. */
function pairUp(
  rows: readonly Facts[],
  known: readonly KnownInterface[],
  matches: Map<Facts, KnownInterface>,
): void {
  const byIndex = new Map(
    known.filter((each) => each.absent !== true).map((each) => [each.ifIndex, each]),
  );
  const used = new Set<KnownInterface>();
  for (const row of rows) {
    const same = byIndex.get(row.ifIndex);
    if (same === undefined) continue;
    matches.set(row, same);
    used.add(same);
  }
  // Without a name, alias or MAC there is nothing but the ifIndex.
  const first = rows[0];
  if (first === undefined || key(first.name, first.alias, first.mac) === key('', '', '')) return;
  const left = known.filter((each) => !used.has(each));
  for (const row of rows) {
    if (matches.has(row)) continue;
    const next = left.shift();
    if (next === undefined) return;
    matches.set(row, next);
  }
}

/** Room for `~N` within the 128 characters that a subject allows. */
const ID_LENGTH = 120;

function freshId({ name, ifIndex }: Facts, taken: ReadonlySet<string>): string {
  // The bar separates the parts of series and alert keys.
  const readable = name
    .replace(/[\s\p{Cc}|]+/gu, '_')
    .slice(0, ID_LENGTH)
    .toWellFormed();
  const base = readable === '' ? `if${ifIndex}` : readable;
  if (!taken.has(base)) return base;
  for (let n = 2; ; n++) {
    const id = `${base}~${n}`;
    if (!taken.has(id)) return id;
  }
}

export interface Resolved {
  readonly ids: ReadonlyMap<number, string>;
  /** Some rows have no sure id or moved: poll with names now, not at the next slow poll. */
  readonly needsNames: boolean;
}

/**
 * Ids for the rows of a quick poll, which carry a name (or descr) only. A row without a sure id gets
 * none: its counters are left out rather than booked to another interface.
 */
export function resolveInterfaces(
  known: readonly KnownInterface[],
  rows: readonly InterfaceRow[],
): Resolved {
  const present = known.filter((each) => each.absent !== true);
  const byIndex = new Map(present.map((each) => [each.ifIndex, each]));
  const byName = groupBy(present, (each) => each.name);
  const rowsByName = groupBy(rows.map(factsOf), (each) => each.name);
  const ids = new Map<number, string>();
  let needsNames = false;
  for (const { name, ifIndex } of rows.map(factsOf)) {
    const same = byIndex.get(ifIndex);
    if (same !== undefined && (same.name === name || name === '')) {
      ids.set(ifIndex, same.id);
      continue;
    }
    needsNames = true;
    const [only, ...more] = byName.get(name) ?? [];
    const isSure = more.length === 0 && rowsByName.get(name)?.length === 1 && name !== '';
    if (only !== undefined && isSure) ids.set(ifIndex, only.id);
  }
  return { ids, needsNames };
}
