import { useMemo, useState } from 'preact/hooks';
import type { Evidence } from '../../../protocol/model/alert.ts';
import type { AlertView, IncidentDetail, IncidentView } from '../../../protocol/wire/views.ts';
import { clock, isOpen, subjectName } from '../live/store.ts';
import { glued, metricWords, percent, roundWords, span } from '../parts/words.ts';
import type { ChartMark } from './chart.ts';
import { type Episode, Graph, type Limit } from './graph.tsx';

const BEFORE_MS = 12 * 60_000;
const AFTER_MS = 6 * 60_000;
const DAY_MS = 86_400_000;
/** A round is dated by its start: the one that began the trouble may lie a little before it. */
const ONSET_SLACK_MS = 6_000;

interface DecidingProps {
  readonly one: IncidentView;
  readonly detail: IncidentDetail | undefined;
}

/** The metric that decided, with its limit or what is usual, and when what was noticed. */
export function DecidingGraph({ one, detail }: DecidingProps) {
  const [chosen, choose] = useState<string>();
  const measured = (detail?.alerts ?? []).filter((alert) => alert.evidence.series !== undefined);
  const alert = measured.find(({ key }) => key === chosen) ?? measured[0];
  const evidence = alert?.evidence ?? detail?.evidence;
  const series = evidence?.series ?? one.deciding;
  const endAt = isOpen(one) ? undefined : (one.resolvedAt ?? one.updatedAt);
  const marks = useMarks(one, alert);
  const limit = limitOf(one, evidence);
  if (series === undefined) return null;
  const isInside = (at: number) =>
    at >= one.onsetAt - ONSET_SLACK_MS && at <= (one.resolvedAt ?? Number.POSITIVE_INFINITY);
  const episode: Episode = {
    from: one.onsetAt - BEFORE_MS,
    to: endAt === undefined ? undefined : endAt + AFTER_MS,
    onsetAt: one.onsetAt,
    endAt,
    isInside,
  };
  return (
    <section class="card graph-card" aria-label="Graph">
      {measured.length < 2 ? null : (
        <label class="which">
          <span>Figures of</span>
          <select value={alert?.key} onChange={(event) => choose(event.currentTarget.value)}>
            {measured.map(({ key, subject, evidence: { metric = '' } }) => (
              <option key={key} value={key}>
                {metricWords(metric)}, {subjectName(subject)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Graph series={series} limit={limit} evidence={evidence} episode={episode} marks={marks} />
      {evidence === undefined ? null : <Found evidence={evidence} limit={limit?.at} />}
    </section>
  );
}

/** Onset, firing, opening and end: the same array as long as nothing of it changed. */
function useMarks(one: IncidentView, alert: AlertView | undefined): readonly ChartMark[] {
  const { onsetAt } = alert?.evidence ?? one;
  const { firedAt, resolvedAt = one.resolvedAt } = alert ?? {};
  return useMemo(
    () => [
      { at: onsetAt, label: 'onset' },
      ...(firedAt === undefined ? [] : [{ at: firedAt, label: 'fired' }]),
      ...(resolvedAt === undefined ? [] : [{ at: resolvedAt, label: 'resolved' }]),
    ],
    [onsetAt, firedAt, resolvedAt],
  );
}

interface FoundProps {
  readonly evidence: Evidence;
  readonly limit: number | undefined;
}

/** What was seen against what is usual, and how much that says. */
function Found({ evidence, limit }: FoundProps) {
  const { metric, observed, usual, sureness, learningSince } = evidence;
  if (metric === undefined) return null;
  const say = (value: number) => roundWords(metric, value);
  const learned = learningSince === undefined ? undefined : clock.value - learningSince;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Seen', observed === undefined ? undefined : say(observed)],
    ['Limit', limit === undefined || usual !== undefined ? undefined : say(limit)],
    ['Usual', usual === undefined ? undefined : `${say(usual.low)} to ${say(usual.high)}`],
    ['Noticed after', evidence.heldFor === undefined ? undefined : span(evidence.heldFor)],
    ['Sure', sureness === undefined ? undefined : percent(sureness)],
    ['Learned for', learned === undefined ? undefined : learnedWords(learned)],
  ];
  return (
    <dl class="facts is-small">
      {facts.map(([name, text]) =>
        text === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{glued(text)}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

const learnedWords = (learned: number): string =>
  learned < DAY_MS ? `${span(learned)}, still young` : span(learned);

/**
 * The limit as a sample can break it. An outage by loss is whole loss, whatever is usual; what was
 * found below its limit (an interface that should be up) breaks it downwards.
 */
function limitOf(one: IncidentView, evidence: Evidence | undefined): Limit | undefined {
  const { expected, observed, metric = '', usual } = evidence ?? {};
  if (one.disturbance === 'outage' && metric.endsWith('_loss_ratio'))
    return { at: 1, isBroken: (value) => value >= 1 };
  // Judged against what is usual: the upper end of that is what a sample breaks.
  const at = usual === undefined ? expected : Math.max(usual.high, expected ?? 0);
  if (at === undefined) return undefined;
  return observed !== undefined && observed < (expected ?? at)
    ? { at: usual?.low ?? at, isBroken: (value) => value < (usual?.low ?? at) }
    : { at, isBroken: (value) => value > at };
}
