import { kindOf } from '../../protocol/model/subject.ts';
import { EXPLANATIONS, type Row } from './explanations.ts';
import type { Effect, Slot } from './slot.ts';
import { deviceSubject, type Topology } from './topology.ts';
import { DOWN } from './ways.ts';

const isRelevant = (slot: Slot): boolean =>
  slot.way !== undefined ||
  slot.front !== undefined ||
  (slot.groups.length > 0 && slot.groups.every((group) => group.length > 0));

function slotsOfRow(row: Row, topology: Topology, effect: Effect): Slot[] {
  const base = {
    row: row.row,
    waits: row.waits,
    text: row.text,
    ...(row.onsets === undefined ? {} : { onsets: row.onsets }),
  };
  const way = row.way?.(topology, effect);
  const ways = way === undefined ? [] : [{ ...base, groups: [], way }];
  const edges = (row.edges?.(topology, effect) ?? []).map((edge) => ({
    ...base,
    groups: [[{ subject: deviceSubject(edge), families: DOWN }]],
    edge,
  }));
  const front = row.front?.(topology, effect);
  const fronts =
    front === undefined ? [] : [{ ...base, groups: front.besides, front: front.front }];
  const groups = (row.slots?.(topology, effect) ?? []).map((one) => ({ ...base, groups: one }));
  return [...ways, ...edges, ...fronts, ...groups];
}

/** Every way in which the alert may be explained, nearest first. Work: the degree of its subject. */
export function slotsOf(topology: Topology, effect: Effect): readonly Slot[] {
  const kind = kindOf(effect.subject);
  const isInside = effect.site !== undefined && effect.site === effect.observerSite;
  const seenFrom = isInside ? 'inside' : 'outside';
  return EXPLANATIONS.filter(
    (row) =>
      row.kinds.includes(kind) &&
      row.families.includes(effect.family) &&
      (row.seenFrom === 'anywhere' || row.seenFrom === seenFrom),
  )
    .flatMap((row) => slotsOfRow(row, topology, effect))
    .filter(isRelevant);
}
