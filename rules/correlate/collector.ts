import type { AlertBook, FiringAlert } from './alert-book.ts';
import type { Explainer } from './explain.ts';
import { COLLECTOR_ROW, type Silence } from './silence.ts';

export interface CollectorDeps {
  readonly book: AlertBook;
  readonly explainer: Explainer;
  readonly silence: Silence;
  /** Announced work, or a person's word, is why it is silent. */
  readonly isSettled: (firing: FiringAlert) => boolean;
}

/** What the collector's own blindness changes: who leads, and whose explanation is new or gone. */
export interface CollectorFinding {
  /** The silence that stands for all; while it is set, nothing else opens. */
  readonly lead: FiringAlert | undefined;
  readonly changed: readonly FiringAlert[];
  readonly freed: readonly FiringAlert[];
}

/**
 * Explains silences by the collector's own trouble when too many agents fall silent at once, and
 * takes that back when most are heard again.
 * @param isRoot tells whether the silence is the root of an incident already; it then leads on.
 */
export function blameCollector(
  { book, explainer, silence, isSettled }: CollectorDeps,
  isRoot: (firing: FiringAlert) => boolean,
): CollectorFinding {
  const silences = book.ofFamily('agent-silent');
  if (silences.length === 0) return { lead: undefined, changed: [], freed: [] };
  const blind = new Set(silence.collectorBlindness(isSettled));
  const [first] = blind;
  const lead = [...blind].find(isRoot) ?? first;
  const changed: FiringAlert[] = [];
  const freed: FiringAlert[] = [];
  for (const firing of [...silences].sort((a, b) => a.serial - b.serial)) {
    const isLed = firing !== lead && blind.has(firing);
    const wasLed = firing.explanation?.row === COLLECTOR_ROW;
    if (isLed && lead !== undefined) {
      const text = 'so many agents fell silent at once that the collector is cut off';
      book.setExplanation(firing, { by: lead.alert.key, row: COLLECTOR_ROW, text });
      changed.push(firing);
    } else if (wasLed) {
      book.setExplanation(firing, explainer.explain(firing));
      freed.push(firing);
    }
  }
  return { lead, changed: lead === undefined ? changed : [...changed, lead], freed };
}
