import { type Fact, type IncidentFact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { StormPlan } from './plan.ts';
import { STORM_START } from './run.ts';
import type { StormScore } from './score.ts';
import type { TrueFault } from './truth.ts';

interface Line {
  readonly at: number;
  readonly text: string;
}

const WIDTH = 7;

const clock = (ms: number): string => `${(ms / 1000).toFixed(1)}`.padStart(WIDTH);

function tellIncident(fact: IncidentFact): string | undefined {
  const { view, kind, material } = fact;
  // One more symptom is no news.
  if (kind === 'incident.updated' && !material) return undefined;
  const end = fact.into === undefined ? '' : ` into ${fact.into}`;
  const last = fact.because.at(-1)?.text ?? '';
  return `${kind} ${fact.incident}${end}: "${view.title}" P${view.priority}, root ${view.root.subject} (${view.root.rule}, ${view.root.cause}), ${view.symptoms.length} symptoms${last === '' ? '' : `; ${last}`}`;
}

function tell(fact: Fact): string | undefined {
  if (isIncidentFact(fact)) return tellIncident(fact);
  if (fact.kind === 'alert.fired') {
    return `  + ${fact.alert.key}: ${fact.alert.evidence.text}`;
  }
  if (fact.kind === 'alert.resolved') return `  - ${fact.alert}`;
  if (fact.kind === 'alert.blind') {
    return `  ? ${fact.alert} ${fact.since === undefined ? 'seen again' : 'blind'}`;
  }
  if (fact.kind === 'alert.fading') {
    return `  ~ ${fact.alert} ${fact.since === undefined ? 'goes on' : 'on its way to clear'}`;
  }
  if (fact.kind === 'alert.suppressed') return `  = ${fact.alert}: ${fact.because.text}`;
  if (fact.kind === 'confirm.requested') return `  > asks ${fact.agent} about ${fact.subject}`;
  return undefined;
}

/** One storm as a story: what happened, what the engine said of it, and what was wrong with that. */
export function storyOf(
  plan: StormPlan,
  truths: readonly TrueFault[],
  facts: readonly Fact[],
  score: StormScore,
): string {
  const { network, seed, convergesIn } = plan;
  const head = [
    `Storm ${seed}: ${network.shape}, ${network.sites.length} sites, ${network.nodes.length} devices, ${network.circuits.length} links, ${network.agents.length} agents; routers converge in ${convergesIn} ms`,
    ...truths.map(truthLine),
  ];
  const lines: Line[] = plan.faults.flatMap((fault) => [
    { at: fault.from, text: `##### ${fault.kind} ${fault.what} begins` },
    { at: fault.until, text: `##### ${fault.kind} ${fault.what} ends` },
  ]);
  for (const { agent, from, until } of plan.restarts) {
    const text = `##### agent ${network.agents[agent]?.id} restarts, back at ${until / 1000}`;
    lines.push({ at: from, text });
  }
  for (const fact of facts) {
    const text = tell(fact);
    if (text !== undefined) lines.push({ at: fact.at - STORM_START, text });
  }
  const told = lines.sort((a, b) => a.at - b.at).map(({ at, text }) => `${clock(at)}  ${text}`);
  return [...head, '', ...told, '', ...score.wrongs, ''].join('\n');
}

function truthLine({ fault, shownFrom, shownUntil, roots, footprint }: TrueFault): string {
  const shown =
    shownFrom === undefined
      ? 'never shows'
      : `shows from ${clock(shownFrom).trim()} to ${clock(shownUntil).trim()}`;
  const names = fault.pop === undefined ? [...roots].join(', ') : fault.pop.name;
  return `  ${fault.kind} ${fault.what}, ${fault.from / 1000} to ${fault.until / 1000}: ${shown}; right are ${names}; touches ${footprint.size} subjects`;
}

/** What the inventory does not know: lines for the story. */
export function missingEdges({ network, inventory }: StormPlan): string[] {
  const lines: string[] = [];
  for (const [index, link] of inventory.links.entries()) {
    const real = network.circuits[index]?.link;
    const gone = (real?.ends ?? []).filter((end) => !link.ends.includes(end));
    for (const { device, interface: port } of gone)
      lines.push(`${link.id} ends at ${device}/${port}`);
    if (real?.peer !== undefined && link.peer === undefined)
      lines.push(`${link.id} peer ${real.peer}`);
  }
  for (const [index, device] of inventory.devices.entries()) {
    const behind = network.devices[index]?.behind;
    if (behind !== undefined && device.behind === undefined)
      lines.push(`${device.id} behind ${behind}`);
  }
  return lines;
}
