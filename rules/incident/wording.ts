import { deviceOf, idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import type { SilenceVerdict } from '../correlate/alert-book.ts';
import type { Family } from '../correlate/family.ts';
import { COLLECTOR_ROW } from '../correlate/silence.ts';
import type { Topology } from '../correlate/topology.ts';
import type { Rule } from '../settings.ts';
import type { Extent, RootView } from './impact.ts';

/** A ticket's subject: cut by characters so that list views and pagers show it whole. */
const TITLE_MAX = 120;

/** Cause names by family; families that are missing use the rule's own word. */
const CAUSES: Partial<Record<Family, string>> = {
  'interface-down': 'interface down',
  'snmp-silent': 'SNMP silent',
  errors: 'line errors',
  loss: 'packet loss',
  latency: 'high latency',
};

export interface CauseQuestion {
  readonly subject: SubjectKey;
  readonly family: Family;
  readonly rule: Pick<Rule, 'cause'> | undefined;
  readonly verdict: SilenceVerdict | undefined;
  /** Rows by which the root explains its symptoms. */
  readonly rows: ReadonlySet<string>;
  /** Another agent reaches the subject. */
  readonly isContradicted: boolean;
  readonly topology: Topology;
}

/** The cause by name: "circuit down", "agent stopped", "congestion". */
export function causeOf(question: CauseQuestion): string {
  const { family, rule, verdict, rows } = question;
  if (verdict?.shared !== undefined || verdict?.flood !== undefined) return verdict.cause;
  if (family === 'agent-silent') {
    if (rows.has(COLLECTOR_ROW)) return 'collector cut off';
    return rows.has('site-dark') ? 'site or circuit down' : (verdict?.cause ?? 'agent silent');
  }
  if (family === 'unreachable') return unreachableCause(question);
  if (family === 'utilisation' && rows.has('congestion-or-line-errors')) return 'congestion';
  return CAUSES[family] ?? rule?.cause ?? 'trouble';
}

function unreachableCause({ subject, rows, isContradicted, topology }: CauseQuestion): string {
  if (kindOf(subject) === 'link') {
    return topology.link(idOf(subject))?.kind === 'overlay' ? 'tunnel down' : 'circuit down';
  }
  if (kindOf(subject) !== 'device') return 'unreachable';
  if (isContradicted) return 'unreachable from one side';
  // The edge is silent and so is the agent behind it: the device cannot be told from its circuit.
  return rows.has('agent-behind-gateway') ? 'site or circuit down' : 'device down';
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The subject as people call it: "lyon-mpls (Orange, FR-4711)", "Gi0/1 of lyon-r1". */
export function nameOf(subject: SubjectKey, topology: Topology): string {
  const id = idOf(subject);
  switch (kindOf(subject)) {
    case 'link': {
      const link = topology.link(id);
      const carrier = [link?.provider, link?.circuit].filter((part) => part !== undefined);
      return (link?.name ?? id) + (carrier.length > 0 ? ` (${carrier.join(', ')})` : '');
    }
    case 'interface': {
      const device = deviceOf(subject) ?? '';
      return `${id.slice(device.length + 1)} of ${topology.device(device)?.name ?? device}`;
    }
    case 'device':
      return topology.device(id)?.name ?? id;
    case 'site':
      return topology.site(id)?.name ?? id;
    default:
      return id;
  }
}

/** Titles of causes that are no "THING of SUBJECT": what stands before the extent. */
function headline(root: RootView, topology: Topology, silent: number): string {
  if (root.shared !== undefined) {
    const { name: shared, links } = root.shared;
    return `${capital(root.cause)}: ${shared}, ${links.length} circuits`;
  }
  const name = nameOf(root.alert.subject, topology);
  switch (root.cause) {
    case 'many troubles at once':
      return `Many troubles at once, first ${name}`;
    case 'circuit down':
      return `Circuit ${name} down`;
    case 'tunnel down':
      return `Tunnel ${name} down`;
    case 'device down':
      return `Device ${name} down`;
    case 'unreachable from one side':
      return `Device ${name} unreachable from agent ${root.alert.agent}, not from others`;
    case 'interface down':
      return `Interface ${name} down`;
    case 'agent stopped':
      return `Agent ${name} stopped`;
    case 'unmonitored':
      return `Agent ${name} silent, nobody else can look`;
    case 'site or circuit down':
      return `Site or circuit down, seen at ${name}`;
    case 'collector cut off':
      return `Collector cut off: ${silent} of ${topology.agentCount} agents silent`;
    default:
      return `${capital(root.cause)} on ${name}`;
  }
}

/** One line for a ticket's subject: what, where, who suffers. At most 120 characters. */
export function titleOf(
  root: RootView,
  extent: Extent,
  topology: Topology,
  silent: number,
): string {
  const place = topology.site(topology.siteOf(root.alert.subject) ?? '');
  const where = extent.text !== '' || place === undefined ? extent.text : `site ${place.name}`;
  const isPlaceless = where === '' || root.cause === 'collector cut off';
  const head = headline(root, topology, silent);
  const title = isPlaceless ? head : `${head}: ${where}`;
  return title.length <= TITLE_MAX ? title : `${title.slice(0, TITLE_MAX - 1)}…`;
}
