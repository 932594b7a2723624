import { isMetricName, METRICS } from '../../protocol/model/metrics.ts';
import type { Series } from '../../protocol/model/sample.ts';
import { type AgentId, isSubjectKey, type SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs } from '../../protocol/model/units.ts';
import type { DictionaryEntry } from '../../protocol/wire/batch.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';

/** Series of one spool by index; holes are indices that were never told. */
export type SeriesTable = (Series | undefined)[];

/** Entries one spool may have; an agent that needs more has lost its way. */
export const MAX_ENTRIES = 200_000;

export type MayReport = (subject: SubjectKey) => boolean;

/** What is wrong with the entries, if anything; nothing is changed. */
export function checkEntries(
  table: SeriesTable,
  entries: readonly DictionaryEntry[],
  mayReport: MayReport,
): Problem | undefined {
  const own = new Map<number, DictionaryEntry>();
  for (const entry of entries) {
    const wrong = checkEntry(entry, mayReport) ?? checkConflict(entry, table[entry.index], own);
    if (wrong !== undefined) return wrong;
    own.set(entry.index, entry);
  }
  return undefined;
}

function checkEntry(entry: DictionaryEntry, mayReport: MayReport): Problem | undefined {
  const { index, metric, subject, bits } = entry;
  if (!isMetricName(metric)) {
    return problem('unknown-metric', `dictionary index ${index}: "${metric}" is not a metric here`);
  }
  const isCounter = METRICS[metric].kind === 'counter';
  if (isCounter !== (bits !== undefined)) {
    return problem(
      'malformed',
      `dictionary index ${index}: bits belongs to counters, and every counter needs it`,
    );
  }
  if (!isSubjectKey(subject) || !mayReport(subject)) {
    return problem(
      'foreign-subject',
      `dictionary index ${index}: ${subject} is not among this agent's targets`,
    );
  }
  return undefined;
}

function checkConflict(
  entry: DictionaryEntry,
  known: Series | undefined,
  own: ReadonlyMap<number, DictionaryEntry>,
): Problem | undefined {
  const other = known ?? own.get(entry.index);
  if (other === undefined || isSame(other, entry)) return undefined;
  return problem(
    'dictionary-conflict',
    `index ${entry.index} is ${other.metric} of ${other.subject}; it cannot become ${entry.metric} of ${entry.subject}`,
  );
}

const isSame = (
  a: Pick<DictionaryEntry, 'bits'> & { metric: string; subject: string },
  b: Pick<DictionaryEntry, 'metric' | 'subject' | 'bits'>,
): boolean => a.metric === b.metric && a.subject === b.subject && a.bits === b.bits;

/** Adds checked entries; returns how to take them back. A new `every` replaces the old one. */
export function addEntries(
  table: SeriesTable,
  agent: AgentId,
  entries: readonly DictionaryEntry[],
): () => void {
  const before: [number, Series | undefined][] = [];
  for (const entry of entries) {
    const known = table[entry.index];
    if (known !== undefined && known.every === entry.every) continue;
    before.push([entry.index, known]);
    table[entry.index] = seriesOf(agent, entry);
  }
  return () => {
    for (const [index, series] of before.reverse()) table[index] = series;
  };
}

/** Series of this process by number, so that others can keep what they know of them in an array. */
interface NumberedSeries extends Series {
  readonly number: number;
}
let seriesMade = 0;

/** Unique for every series object of a dictionary; the same series told again has another one. */
export const numberOf = (series: Series): number => (series as NumberedSeries).number;

/** The entry has been checked: metric and subject are what their types say. */
const seriesOf = (agent: AgentId, entry: DictionaryEntry): NumberedSeries => ({
  number: seriesMade++,
  metric: entry.metric as Series['metric'],
  subject: entry.subject as SubjectKey,
  agent,
  ...(entry.bits === undefined ? {} : { bits: entry.bits }),
  ...(entry.every === undefined ? {} : { every: durationMs(entry.every) }),
});

/** What was told of a table, in the order of the indices. */
export function* entriesOf(table: SeriesTable): Generator<DictionaryEntry> {
  for (const [index, series] of table.entries()) {
    if (series === undefined) continue;
    const { metric, subject, bits, every } = series;
    yield {
      index,
      metric,
      subject,
      ...(bits === undefined ? {} : { bits }),
      ...(every === undefined ? {} : { every }),
    };
  }
}
