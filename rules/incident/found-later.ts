import type { Reason } from '../../protocol/model/alert.ts';
import { type Fact, type IncidentFact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, elapsed, epochMs, seconds } from '../../protocol/model/units.ts';
import type { FoundOutage, Instant } from '../contract.ts';

/** Blindness of an incident's root, as its facts told it. */
interface Blindness {
  readonly since: EpochMs;
  readonly until?: EpochMs;
}

interface Times {
  readonly onsetAt?: EpochMs;
  readonly resolvedAt?: EpochMs;
}

export interface FoundLaterState {
  readonly ended: readonly Incident[];
  readonly times: readonly (readonly [IncidentId, Times])[];
  readonly blind: readonly (readonly [IncidentId, Blindness])[];
}

/**
 * Writes outages that late data told of into the record (design 6.8): a new incident that was over
 * before anybody knew of it, or better times of one that is known. Only what is told changes: the
 * engine goes on deciding by what it knew, so that nothing opens, closes or reopens because of it.
 */
export interface FoundLater {
  /** Every fact of the engine on its way out: with the corrected times. */
  pass(facts: Fact[]): Fact[];
  take(found: readonly FoundOutage[], at: Instant): Fact[];
  snapshot(): FoundLaterState;
}

export interface FoundLaterDeps {
  readonly openOnes: () => readonly Incident[];
  readonly installation: () => string;
}

/** Incidents that ended and may yet be corrected; older ones stay as they were told. */
const MOST = 200;
/** Rounds, bursts and clocks of two observers differ by less. */
const SLACK = seconds(60);

export function createFoundLater(deps: FoundLaterDeps, state?: FoundLaterState): FoundLater {
  const ended = new Map<IncidentId, Incident>(state?.ended.map((view) => [view.id, view]));
  const times = new Map<IncidentId, Times>(state?.times);
  const blind = new Map<IncidentId, Blindness>(state?.blind);

  function forget(id: IncidentId): void {
    ended.delete(id);
    times.delete(id);
    blind.delete(id);
  }

  function remember(view: Incident): void {
    ended.delete(view.id);
    ended.set(view.id, view);
    for (const id of ended.keys()) {
      if (ended.size <= MOST) return;
      forget(id);
    }
  }

  function watchBlindness({ at, view }: IncidentFact): void {
    const known = blind.get(view.id);
    if (view.blindSince !== undefined) blind.set(view.id, { since: view.blindSince });
    else if (known !== undefined && known.until === undefined) {
      blind.set(view.id, { ...known, until: at });
    }
  }

  function passOne(fact: Fact): Fact {
    if (!isIncidentFact(fact)) return fact;
    const { incident: id, kind } = fact;
    if (kind === 'incident.merged') {
      forget(id);
      return fact;
    }
    watchBlindness(fact);
    if (kind === 'incident.reopened') {
      ended.delete(id);
      const { onsetAt } = times.get(id) ?? {};
      if (onsetAt === undefined) times.delete(id);
      else times.set(id, { onsetAt });
    }
    const better = times.get(id);
    const told = better === undefined ? fact : { ...fact, view: { ...fact.view, ...better } };
    if (isOver(told.view)) remember(told.view);
    return told;
  }

  function take(found: readonly FoundOutage[], at: Instant): Fact[] {
    let count = 0;
    const facts: Fact[] = [];
    for (const one of found) {
      const known = sameTrouble(one);
      if (known !== undefined) facts.push(...correct(known, one, at.now));
      else {
        count += 1;
        facts.push(...record(one, at, count));
      }
    }
    return facts;
  }

  function sameTrouble({ outage, seenUntil }: FoundOutage): Incident | undefined {
    const until = outage.resolvedAt ?? seenUntil ?? outage.updatedAt;
    const candidates = [...deps.openOnes(), ...ended.values()].filter(
      (one) =>
        one.disturbance === 'outage' &&
        one.mergedInto === undefined &&
        outage.onsetAt <= (one.resolvedAt ?? Number.POSITIVE_INFINITY) + SLACK &&
        until >= onsetOf(one) - SLACK &&
        (one.subject === outage.subject || isPartOf(one, outage)),
    );
    // What is about the very same thing goes before what only touches it.
    return candidates.find((one) => one.subject === outage.subject) ?? candidates[0];
  }

  const onsetOf = ({ id, onsetAt }: Incident): EpochMs => times.get(id)?.onsetAt ?? onsetAt;

  /** Both touch the same and began together: seen from two places, one trouble may have two names. */
  const isPartOf = (one: Incident, outage: Incident): boolean =>
    Math.abs(outage.onsetAt - onsetOf(one)) <= SLACK &&
    [...subjectsOf(outage)].some((subject) => subjectsOf(one).has(subject));

  function record({ agent, outage, seenUntil }: FoundOutage, at: Instant, count: number): Fact[] {
    const id = `inc-${deps.installation()}-${at.position.toString(36)}-late${count === 1 ? '' : count}`;
    const end =
      seenUntil === undefined ? '' : '; its end was not seen, the time is that of the last failure';
    const because: Reason = {
      kind: 'late-data',
      text: `found later: it was over when ${agent} could deliver what it had seen${end}`,
    };
    const view: Incident = {
      ...outage,
      id,
      state: 'resolved',
      resolvedAt: outage.resolvedAt ?? seenUntil ?? outage.updatedAt,
      updatedAt: at.now,
      foundLater: at.now,
      because: [...outage.because, because],
    };
    remember(view);
    return [fact('incident.resolved', view, because, at.now)];
  }

  function correct(known: Incident, found: FoundOutage, now: EpochMs): Fact[] {
    const better = betterTimes(known, found);
    if (better === undefined) return [];
    const because: Reason = { kind: 'late-data', text: correctionText(known, better, found.agent) };
    times.set(known.id, { ...times.get(known.id), ...better });
    const view: Incident = {
      ...known,
      ...better,
      updatedAt: now,
      because: [...known.because, because],
    };
    if (isOver(view)) remember(view);
    return [fact('incident.updated', view, because, now)];
  }

  function betterTimes(known: Incident, found: FoundOutage): Times | undefined {
    const { outage } = found;
    if (known.subject !== outage.subject) return undefined;
    const onset = outage.onsetAt < onsetOf(known) ? { onsetAt: outage.onsetAt } : {};
    const end = betterEnd(known, found);
    const better = { ...onset, ...(end === undefined ? {} : { resolvedAt: end }) };
    return Object.keys(better).length === 0 ? undefined : better;
  }

  /** An end that was found may move later; one that was seen live was seen late, if it was blind. */
  function betterEnd(known: Incident, found: FoundOutage): EpochMs | undefined {
    const { resolvedAt, state } = known;
    if (state !== 'resolved' || resolvedAt === undefined) return undefined;
    const { outage, seenUntil } = found;
    if (known.foundLater !== undefined) {
      const until = outage.resolvedAt ?? seenUntil ?? resolvedAt;
      return until > resolvedAt ? until : undefined;
    }
    const isSameEye = known.root.alert.endsWith(`|${found.agent}`);
    return isSameEye ? endInTheDark(known.id, outage.resolvedAt, resolvedAt) : undefined;
  }

  /** It was seen to work as soon as it was seen at all: then it had ended while nobody could look. */
  function endInTheDark(id: IncidentId, end: EpochMs | undefined, told: EpochMs) {
    const wasBlind = blind.get(id);
    if (end === undefined || wasBlind === undefined) return undefined;
    const isSoon = told - (wasBlind.until ?? told) <= SLACK;
    return isSoon && end >= wasBlind.since && end < told ? end : undefined;
  }

  return {
    pass: (facts) => (facts.some(isIncidentFact) ? facts.map(passOne) : facts),
    take,
    snapshot: () => ({ ended: [...ended.values()], times: [...times], blind: [...blind] }),
  };
}

const isOver = ({ state }: Incident): boolean => state === 'resolved' || state === 'closed';

const fact = (
  kind: 'incident.resolved' | 'incident.updated',
  view: Incident,
  because: Reason,
  now: EpochMs,
): IncidentFact => ({
  kind,
  at: now,
  incident: view.id,
  view,
  because: [because],
  material: false,
});

const alertSubject = (alert: string): SubjectKey => alert.split('|')[1] as SubjectKey;

function subjectsOf({ subject, root, symptoms }: Incident): ReadonlySet<SubjectKey> {
  return new Set([
    subject,
    alertSubject(root.alert),
    ...symptoms.map((symptom) => symptom.subject),
  ]);
}

const inSeconds = (from: EpochMs, to: EpochMs): number => Math.round(elapsed(from, to) / 1000);

function correctionText({ onsetAt, resolvedAt }: Incident, better: Times, agent: AgentId): string {
  const parts = [
    ...(better.onsetAt === undefined
      ? []
      : [`it began ${inSeconds(better.onsetAt, onsetAt)} s earlier than was known`]),
    ...(better.resolvedAt === undefined ? [] : [`it ended ${endText(resolvedAt, better)}`]),
  ];
  return `late data of ${agent}: ${parts.join(', ')}`;
}

function endText(before = epochMs(0), { resolvedAt = before }: Times): string {
  const moved = inSeconds(before, resolvedAt);
  return moved < 0 ? `${-moved} s earlier than was seen` : `${moved} s later than was known`;
}
