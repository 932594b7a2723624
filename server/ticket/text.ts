import type { Reason } from '../../protocol/model/alert.ts';
import type { HitService, Incident } from '../../protocol/model/incident.ts';
import { elapsed } from '../../protocol/model/units.ts';
import type { SubjectNames } from './names.ts';
import { type Measure, reasonsOf, type Telling } from './telling.ts';
import { clip, durationText, moneyText, plain, sentence, timeText } from './words.ts';

/** Below this the resolver is told to look for another cause too. */
const FIRM_CONFIDENCE = 0.7;

/**
 * The description of a ticket, for somebody woken at 3 a.m.: what is broken, since when, who
 * suffers, what was seen, what it explains, what speaks against it, what to do first, where to
 * look. No mark-up: ticket systems differ, and plain lines read the same in all of them.
 */
export function ticketText(
  telling: Telling,
  names: SubjectNames,
  measure: Measure,
  url: string | undefined,
): string {
  const incident = telling.fact.view;
  const writer = createWriter(measure);
  const isOver = telling.type === 'incident.resolved';
  opening(telling, names, writer);
  writer.section('What was seen', seen(incident), measure.reasons);
  const more = incident.moreSymptoms;
  writer.section('What this explains', explained(incident, names), measure.symptoms, more?.count);
  if (!isOver) {
    const against = doubts(incident, names);
    const none = ['nothing that we can see'];
    const told = against.length > 0 ? against : none;
    writer.section('What speaks against it', told, measure.reasons, more?.cleared);
    writer.steps('Do first', incident.advice, measure.advice);
  }
  writer.paragraph(
    [
      url && `Live view, graph and time line: ${url}`,
      `Vedette incident ${incident.id}. ${closingWords(telling)}`,
    ].filter((line): line is string => Boolean(line)),
  );
  return writer.text();
}

/** The first lines of each type of message: what this message is for. */
function opening(telling: Telling, names: SubjectNames, writer: Writer): void {
  const { fact, type } = telling;
  const incident = fact.view;
  if (type === 'incident.resolved') {
    writer.paragraph(over(telling));
    writer.section('Why', ownReasons(telling), 5);
  } else if (fact.kind === 'incident.reopened') {
    writer.paragraph([
      `It is back: ${plain(incident.title)}`,
      `Reopened ${timeText(fact.at)}${times(incident.reopened)}. Same incident, same ticket.`,
    ]);
    writer.section('Why', ownReasons(telling), 5);
  } else if (type === 'incident.acknowledged' && incident.acknowledged !== undefined) {
    const { by, until, note } = incident.acknowledged;
    writer.paragraph([
      `${plain(by)} has it, until ${timeText(until)}.`,
      ...(note ? [`Note: ${sentence(note)}`] : []),
    ]);
  } else if (type === 'incident.opened') {
    writer.paragraph([plain(incident.title)]);
  } else if (type === 'incident.updated') {
    writer.section('What changed', ownReasons(telling), 5);
  }
  writer.paragraph(facts(telling, names));
}

const times = (reopened: number): string =>
  reopened > 1 ? `, for the ${ordinal(reopened)} time` : '';

function ordinal(n: number): string {
  const teen = n % 100 > 10 && n % 100 < 14;
  const end = teen ? undefined : { 1: 'st', 2: 'nd', 3: 'rd' }[n % 10];
  return `${n}${end ?? 'th'}`;
}

function over({ fact, survivor }: Telling): string[] {
  const incident = fact.view;
  if (survivor !== undefined) {
    const ticket = survivor.ticket ? `, ticket ${plain(survivor.ticket)}` : '';
    const title = survivor.title ? `: ${plain(survivor.title)}` : '';
    return [
      `Not a fault of its own: it is part of incident ${survivor.id}${ticket}${title}`,
      'Nothing is mended yet. Work goes on there; nothing more will come to this ticket.',
    ];
  }
  const end = incident.resolvedAt ?? fact.at;
  const lasted = durationText(elapsed(incident.onsetAt, end));
  return fact.kind === 'incident.closed'
    ? [
        `Closed by a person: ${plain(incident.title)}`,
        `Closed ${timeText(end)}, ${lasted} after it began. It may still be failing; Vedette stays quiet until it has cleared once or gets worse.`,
      ]
    : [
        `Resolved: ${plain(incident.title)}`,
        `Normal again ${timeText(end)}; it lasted ${lasted}. There is nothing left to do.`,
      ];
}

function facts(telling: Telling, names: SubjectNames): string[] {
  const incident = telling.fact.view;
  const was = telling.type === 'incident.resolved' && telling.survivor === undefined;
  const site = incident.site === undefined ? undefined : names.site(incident.site);
  const place = site === undefined ? '' : `, site ${plain(site.name)}`;
  const sure = `${Math.round(incident.root.confidence * 100)} % sure`;
  const lines = [
    `${was ? 'What was broken' : 'What is broken'}: ${plain(names.describe(incident.subject))}${incident.subject.startsWith('site:') ? '' : place}. ${incident.disturbance === 'outage' ? 'Outage' : 'Degradation'}.`,
    `Suspected cause: ${plain(incident.root.cause)}${elsewhere(incident, names)}, ${sure}.`,
    `Since: ${timeText(incident.onsetAt)}; noticed ${durationText(elapsed(incident.onsetAt, incident.openedAt))} later.`,
    `Who ${was ? 'suffered' : 'suffers'}: ${sufferers(incident, site?.name, was)} Priority ${incident.priority} (impact ${incident.impact}, urgency ${incident.urgency}).`,
  ];
  const cost = costText(incident, was);
  if (cost !== undefined) lines.push(cost);
  if (incident.blindSince !== undefined && telling.type !== 'incident.resolved') {
    lines.push(
      `Blind since ${timeText(incident.blindSince)}: nobody can see whether it still goes on.`,
    );
  }
  return lines;
}

const elsewhere = (incident: Incident, names: SubjectNames): string =>
  incident.root.subject === incident.subject
    ? ''
    : ` on ${plain(names.describe(incident.root.subject))}`;

/** Services named in one line; the rest is counted. */
const NAMED_SERVICES = 5;

/** "3 sites, 142 people, Card payments (down)." */
function sufferers(incident: Incident, site: string | undefined, was: boolean): string {
  const services = (incident.services ?? []).filter(({ state }) => was || state !== 'healthy');
  if (incident.users === 0 && services.length === 0) return 'nobody is listed in the inventory.';
  const people = incident.users === 1 ? '1 person' : `${incident.users} people`;
  const sites = incident.sites?.length ?? 0;
  const place = site === undefined || sites > 1 ? '' : ` at ${plain(site)}`;
  const more = services.length - NAMED_SERVICES;
  const parts = [
    ...(sites > 1 ? [`${sites} sites`] : []),
    ...(incident.users > 0 ? [`${people}${place}`] : []),
    ...services.slice(0, NAMED_SERVICES).map((service) => serviceText(service, was)),
    ...(more > 0 ? [`${more} more services`] : []),
  ];
  return `${parts.join(', ')}.`;
}

const STATE_WORDS: Readonly<Record<HitService['state'], string>> = {
  healthy: 'works again',
  'at-risk': 'works, nothing left in reserve',
  degraded: 'works badly',
  down: 'down',
  unknown: 'nobody can see it',
};

function serviceText({ name, state, isOpen, downFor }: HitService, was: boolean): string {
  const lasted = downFor > 0 ? `down for ${durationText(downFor)}` : 'never down';
  const now = `${STATE_WORDS[state]}${isOpen ? '' : ', outside its hours'}`;
  return `${plain(name)} (${was ? lasted : now})`;
}

/** "Cost: about 38 EUR an hour; 19 EUR so far." Nothing where services have no cost. */
function costText({ costPerHour, costSoFar }: Incident, was: boolean): string | undefined {
  if (costPerHour === undefined || costSoFar === undefined) return undefined;
  if (was) return `Cost: about ${moneyText(costSoFar)} in all.`;
  if (costPerHour.amount === 0 && costSoFar.amount === 0) return undefined;
  const soFar = costSoFar.amount > 0 ? `; ${moneyText(costSoFar)} so far` : '';
  return `Cost: about ${moneyText(costPerHour)} an hour${soFar}.`;
}

const texts = (reasons: readonly Reason[]): string[] => reasons.map((reason) => reason.text);

const DOUBTS: ReadonlySet<Reason['kind']> = new Set(['no-data', 'flapping', 'late-data']);

/** What led here. How it ended or changed is told by the fact's own reasons. */
const SEEN: ReadonlySet<Reason['kind']> = new Set(['evidence', 'explained-by', 'held-down']);

const seen = (incident: Incident): string[] =>
  reasonsOf(incident)
    .filter((reason) => SEEN.has(reason.kind))
    .map((reason) => {
      const agent = reason.kind === 'evidence' ? reason.alert.split('|')[2] : undefined;
      const isNamed = agent === undefined || agent === '' || reason.text.includes(agent);
      return isNamed ? reason.text : `${plain(reason.text)} (seen by ${agent})`;
    });

/** Reasons that this fact adds to what the incident already says. */
const ownReasons = ({ fact }: Telling): string[] => [...new Set(texts(fact.because))];

function explained(incident: Incident, names: SubjectNames): string[] {
  return incident.symptoms.map((symptom) => {
    const cleared =
      symptom.clearedAt === undefined ? '' : ` (normal again ${timeText(symptom.clearedAt)})`;
    return `${plain(names.describe(symptom.subject))}: ${plain(symptom.because.text)}${cleared}`;
  });
}

function doubts(incident: Incident, names: SubjectNames): string[] {
  const lines = texts(reasonsOf(incident).filter((reason) => DOUBTS.has(reason.kind)));
  if (incident.root.confidence < FIRM_CONFIDENCE) {
    lines.push(
      `The cause is only a guess (${Math.round(incident.root.confidence * 100)} % sure): keep another one in mind.`,
    );
  }
  for (const symptom of incident.symptoms) {
    if (symptom.clearedAt === undefined) continue;
    lines.push(
      `${plain(names.describe(symptom.subject))} is normal again though the suspected cause is not.`,
    );
  }
  return lines;
}

function closingWords({ type, survivor }: Telling): string {
  if (survivor !== undefined) return '';
  return type === 'incident.resolved'
    ? 'Should it come back soon, this ticket is reopened.'
    : 'The ticket is resolved by itself once the trouble has gone.';
}

interface Writer {
  paragraph(lines: readonly string[]): void;
  /** @param unlisted lines that exist besides and that nobody lists */
  section(title: string, lines: readonly string[], most: number, unlisted?: number): void;
  steps(title: string, lines: readonly string[], most: number): void;
  text(): string;
}

function createWriter(measure: Measure): Writer {
  const blocks: string[] = [];
  const list = (
    title: string,
    lines: readonly string[],
    most: number,
    mark: (n: number) => string,
    unlisted = 0,
  ): void => {
    if (lines.length === 0) return;
    const shown = lines
      .slice(0, most)
      .map((line, n) => `${mark(n)} ${clip(sentence(line), measure.sentence)}`);
    const more = lines.length - shown.length + unlisted;
    const where = unlisted > 0 ? '' : ', listed on the page';
    if (more > 0) shown.push(`  … and ${more} more${where}.`);
    blocks.push([`${title}:`, ...shown].join('\n'));
  };
  return {
    paragraph: (lines) => blocks.push(lines.map((line) => line.trim()).join('\n')),
    section: (title, lines, most, unlisted) => list(title, lines, most, () => '-', unlisted),
    steps: (title, lines, most) => list(title, lines, most, (n) => `${n + 1}.`),
    text: () => blocks.join('\n\n'),
  };
}
