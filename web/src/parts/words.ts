import type { Incident, Money } from '../../../protocol/model/incident.ts';
import type { ServiceHours } from '../../../protocol/model/inventory.ts';
import type {
  AgentView,
  IncidentView,
  ServiceView,
  TicketView,
} from '../../../protocol/wire/views.ts';
import type { Health } from '../live/store.ts';

export type Mark = Health | 'maintenance' | 'at-risk';

export const HEALTH_WORDS: Record<Mark, string> = {
  up: 'Up',
  degraded: 'Degraded',
  down: 'Down',
  unknown: 'Unknown',
  maintenance: 'Maintenance',
  'at-risk': 'At risk',
};

export const SERVICE_MARKS: Record<ServiceView['state'], { mark: Mark; word: string }> = {
  healthy: { mark: 'up', word: 'Healthy' },
  'at-risk': { mark: 'at-risk', word: 'At risk' },
  degraded: { mark: 'degraded', word: 'Degraded' },
  down: { mark: 'down', word: 'Down' },
  unknown: { mark: 'unknown', word: 'Unknown' },
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
  if (one.state === 'resolved') return 'up';
  // By a person: it may fail still.
  if (one.state === 'closed') return 'unknown';
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
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DAY_CLOCK = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const DATE_CLOCK = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const WEEK_MS = 7 * 86_400_000;
export const dateOf = (at: number): string => DATE.format(at);
export const clockOf = (at: number): string => CLOCK.format(at);

/** As short as it can be told: "18:00" today, "Mon 08:00" this week, else with the date. */
export function shortTime(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return CLOCK.format(at);
  return (Math.abs(at - now) < WEEK_MS * 0.8 ? DAY_CLOCK : DATE_CLOCK)
    .format(at)
    .replace(/,? (?=\d\d:)/, '\u00a0');
}

export const timeOfDay = (at: number): string => TIME.format(at);
export const fullTime = (at: number): string => FULL.format(at);

export const count = (n: number, noun: string, plural = `${noun}s`): string =>
  `${n.toLocaleString('en')}\u00a0${n === 1 ? noun : plural}`;

/** All symptoms, how many of them have cleared, and how many are counted but not listed. */
export function symptomsOf({
  symptoms,
  moreSymptoms,
}: Pick<Incident, 'symptoms' | 'moreSymptoms'>) {
  const cleared = symptoms.filter(({ clearedAt }) => clearedAt !== undefined).length;
  const unlisted = moreSymptoms?.count ?? 0;
  return {
    count: symptoms.length + unlisted,
    cleared: cleared + (moreSymptoms?.cleared ?? 0),
    unlisted,
  };
}

export const people = (n: number): string => count(n, 'person', 'people');

export const percent = (ratio: number): string =>
  `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.0995 ? 1 : 0)}\u00a0%`;

/** One decimal is enough, but for a LAN: there a tenth of a millisecond is much. */
export const ms = (value: number): string =>
  `${value < 0.95 ? Number(value.toPrecision(2)) : value.toFixed(value < 100 ? 1 : 0)}\u00a0ms`;

const round = (amount: number): string =>
  amount.toLocaleString('en', { maximumFractionDigits: amount < 100 && amount % 1 !== 0 ? 2 : 0 });

/** "1,250 EUR" */
export const money = ({ amount, currency }: Money): string => `${round(amount)}\u00a0${currency}`;

const DAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** "Mon–Fri 08:00–18:00, Sat 09:00–13:00 (Europe/Paris)" */
export function hoursWords(hours: ServiceHours | undefined): string {
  if (hours === undefined) return 'round the clock';
  const spans = hours.weekly.map(({ days, from, to }) => `${dayWords(days)} ${from}–${to}`);
  return `${spans.join(', ')} (${hours.timeZone})`;
}

function dayWords(days: readonly number[]): string {
  const sorted = [...days].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  const isRun = sorted.length > 2 && last - first === sorted.length - 1;
  if (isRun) return `${DAYS[first]}–${DAYS[last]}`;
  return sorted.map((day) => DAYS[day]).join(', ');
}

const METRIC_WORDS: readonly (readonly [RegExp, string])[] = [
  [/_confirm_loss_ratio$/, 'Loss of the confirming burst'],
  [/_rtt_p95_ms$/, 'Round trip, slowest 5 % of a round'],
  [/_rtt_max_ms$/, 'Round trip, slowest of a round'],
  [/_rtt_min_ms$/, 'Round trip, fastest of a round'],
  [/_forward_ms$/, 'One-way delay, out'],
  [/_backward_ms$/, 'One-way delay, back'],
  [/_in_utilisation_ratio$/, 'Utilisation, received'],
  [/_out_utilisation_ratio$/, 'Utilisation, sent'],
  [/_in_octets_total$/, 'Bytes received'],
  [/_out_octets_total$/, 'Bytes sent'],
  [/_in_errors/, 'Receive errors'],
  [/_out_errors/, 'Send errors'],
  [/_in_discards/, 'Receive discards'],
  [/_out_discards/, 'Send discards'],
  [/^path_mos$/, 'Voice quality (MOS)'],
  [/^device_cpu_ratio$/, 'CPU load'],
  [/^device_memory_ratio$/, 'Memory in use'],
  [/^device_temperature/, 'Temperature'],
  [/^device_ports_up$/, 'Ports up'],
  [/^bgp_peers_established$/, 'BGP sessions up'],
  [/^bgp_path_count$/, 'BGP paths'],
  [/^bfd_sessions_up$/, 'BFD sessions up'],
  [/^route_count$/, 'Routes'],
  [/_loss_ratio$/, 'Packet loss'],
  [/_rtt(_\w+)?_ms$/, 'Round trip'],
  [/_jitter_ms$/, 'Jitter'],
  [/_ipdv_ms$/, 'Delay variation'],
  [/_utilisation_ratio$/, 'Utilisation'],
  [/_errors_per_s$/, 'Errors per second'],
  [/_discards_per_s$/, 'Discards per second'],
  [/^if_admin_up$/, 'Interface enabled'],
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
  if (metric.endsWith('_celsius')) return `${value.toFixed(1)}\u00a0°C`;
  if (metric.endsWith('_octets_total')) return `${compact(value)}B/s`;
  if (metric.endsWith('_total') || metric.endsWith('_per_s'))
    return `${Number(value.toPrecision(3)).toLocaleString('en')}\u00a0/s`;
  return Number(value.toPrecision(4)).toLocaleString('en');
}

/** "1.2 M", for what grows by powers of ten. */
function compact(value: number): string {
  const steps = ['', 'k', 'M', 'G', 'T'];
  let rest = value;
  let step = 0;
  while (rest >= 1000 && step < steps.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${Number(rest.toPrecision(3))}\u00a0${steps[step]}`;
}
