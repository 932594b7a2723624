import type { AgentView, IncidentView, TicketView } from '../../../protocol/wire/views.ts';
import type { Health } from '../live/store.ts';

export type Mark = Health | 'maintenance';

export const HEALTH_WORDS: Record<Mark, string> = {
  up: 'Up',
  degraded: 'Degraded',
  down: 'Down',
  unknown: 'Unknown',
  maintenance: 'Maintenance',
};

export const SEVERITY_WORDS: Record<IncidentView['severity'], string> = {
  critical: 'Critical',
  major: 'Major',
  minor: 'Minor',
  warning: 'Warning',
};

const TICKET_WORDS: Record<TicketView['state'], string> = {
  waiting: 'ticket not sent yet',
  sending: 'ticket on its way',
  open: 'ticket open',
  resolved: 'ticket resolved',
  failed: 'ticket not delivered',
};

export const AGENT_MARKS: Record<AgentView['state'], { mark: Mark; word: string }> = {
  live: { mark: 'up', word: 'Live' },
  silent: { mark: 'unknown', word: 'Silent' },
  'never-seen': { mark: 'unknown', word: 'Never seen' },
};

/** What does not work at all is a square, what works badly a triangle, the ended a dot. */
export function markOf(one: IncidentView): Mark {
  if (one.state === 'resolved' || one.state === 'closed') return 'up';
  return one.disturbance === 'outage' ? 'down' : 'degraded';
}

export function ticketWords(ticket: TicketView): string {
  const words = TICKET_WORDS[ticket.state];
  return ticket.number === undefined ? words : `${ticket.number} ${words.replace('ticket ', '')}`;
}

/** "45 s", "6 min", "3 h 05", "2 d": short, and wide enough to compare. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s}\u00a0s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min}\u00a0min`;
  const h = Math.floor(min / 60);
  if (h < 24) return h < 10 && min % 60 > 0 ? `${h}\u00a0h ${min % 60}\u00a0min` : `${h}\u00a0h`;
  return `${Math.floor(h / 24)}\u00a0d`;
}

const TIME = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const FULL = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
export const timeOfDay = (at: number): string => TIME.format(at);
export const fullTime = (at: number): string => FULL.format(at);

export const count = (n: number, noun: string, plural = `${noun}s`): string =>
  `${n.toLocaleString('en')}\u00a0${n === 1 ? noun : plural}`;

export const people = (n: number): string => count(n, 'person', 'people');

export const percent = (ratio: number): string =>
  `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.0995 ? 1 : 0)}\u00a0%`;

export const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)}\u00a0ms`;

/** `link:lyon-mpls` as a person says it, where no name is known. */
export function subjectWords(subject: string): string {
  const cut = subject.indexOf(':');
  return `${subject.slice(0, cut)} ${subject.slice(cut + 1)}`;
}

const METRIC_WORDS: readonly (readonly [RegExp, string])[] = [
  [/_loss_ratio$/, 'Packet loss'],
  [/_rtt(_\w+)?_ms$/, 'Round trip'],
  [/_jitter_ms$/, 'Jitter'],
  [/_ipdv_ms$/, 'Delay variation'],
  [/_utilisation_ratio$/, 'Utilisation'],
  [/_errors_per_s$/, 'Errors per second'],
  [/_discards_per_s$/, 'Discards per second'],
  [/^if_oper_up$/, 'Interface up'],
  [/^snmp_answered$/, 'SNMP answered'],
];

export const metricWords = (metric: string): string =>
  METRIC_WORDS.find(([pattern]) => pattern.test(metric))?.[1] ?? metric;

/** Keeps a number and its unit on one line. */
export const glued = (text: string): string =>
  text.replace(/(\d) (%|ms|s|min|h)\b|(\d) %/g, (hit) => hit.replace(' ', '\u00a0'));

/** The same without a zero that says nothing: for limits and axes, not for columns of figures. */
export const roundWords = (metric: string, value: number): string =>
  valueWords(metric, value).replace(/\.0(?=\u00a0)/, '');

/** A value of a metric with its unit; the unit is the end of the metric's name. */
export function valueWords(metric: string, value: number): string {
  if (metric.endsWith('_ratio')) return percent(value);
  if (metric.endsWith('_ms')) return ms(value);
  return Number(value.toPrecision(4)).toLocaleString('en');
}
