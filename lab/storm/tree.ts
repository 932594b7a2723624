import type { StormNetwork } from './network.ts';
import type { WorldState } from './state.ts';

/** Part of a network in which one observer forwards: everything, or the inside of one site. */
export interface Area {
  /** Numbers in the network, by place in the area. */
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly placeOf: ReadonlyMap<number, number>;
  /** For each place: edge places and neighbour places, alternating. */
  readonly neighbours: readonly Int32Array[];
}

export function createArea(
  network: StormNetwork,
  nodes: readonly number[],
  edges: readonly number[],
): Area {
  const placeOf = new Map(nodes.map((node, place) => [node, place]));
  const lists: number[][] = nodes.map(() => []);
  for (const [place, number] of edges.entries()) {
    const edge = network.edges[number];
    const a = placeOf.get(edge?.a ?? -1);
    const b = placeOf.get(edge?.b ?? -1);
    if (a === undefined || b === undefined) continue;
    lists[a]?.push(place, b);
    lists[b]?.push(place, a);
  }
  return { nodes, edges, placeOf, neighbours: lists.map((list) => Int32Array.from(list)) };
}

/** What an echo meets on its way there and back. */
export interface Way {
  readonly isUp: boolean;
  readonly loss: number;
  readonly rttMs: number;
}

export const DEAD: Way = { isUp: false, loss: 1, rttMs: 0 };

/**
 * Shortest paths from one device to all others (Dijkstra), in one direction. Routes are what the
 * routers believe; `evaluate` walks them over what is really alive, so that a fault is a black hole
 * until the routers have noticed and `route` is called.
 */
export interface Tree {
  route(state: WorldState): void;
  evaluate(state: WorldState): void;
  isUp(place: number): boolean;
  /** Share kept, and delay, on the way in this direction. */
  kept(place: number): number;
  delayMs(place: number): number;
}

export function createTree(
  network: StormNetwork,
  area: Area,
  root: number,
  direction: 'there' | 'back',
): Tree {
  const size = area.nodes.length;
  const rootPlace = area.placeOf.get(root) ?? -1;
  const order = new Int32Array(size);
  let reached = 0;
  const before = new Int32Array(size);
  const via = new Int32Array(size);
  const distance = new Float64Array(size);
  const isAlive = new Uint8Array(size);
  const keeps = new Float64Array(size);
  const delays = new Float64Array(size);

  /** Towards `from → to` on the way there; the echo comes back the other way round. */
  function costOf(edgePlace: number, fromPlace: number): number {
    const edge = network.edges[area.edges[edgePlace] ?? -1];
    if (edge === undefined) return Number.POSITIVE_INFINITY;
    const isFromA = edge.a === area.nodes[fromPlace];
    return isFromA === (direction === 'there') ? edge.costAb : edge.costBa;
  }

  const works = (state: WorldState, edgePlace: number, nodePlace: number): boolean =>
    state.edgeDown[area.edges[edgePlace] ?? -1] === 0 &&
    state.nodeDown[area.nodes[nodePlace] ?? -1] === 0;

  function route(state: WorldState): void {
    distance.fill(Number.POSITIVE_INFINITY);
    via.fill(-1);
    before.fill(-1);
    reached = 0;
    // Costs are small whole numbers: buckets by distance instead of a heap (Dial, 1969).
    const buckets: number[][] = [[rootPlace]];
    distance[rootPlace] = 0;
    for (let d = 0; d < buckets.length; d++) {
      for (const place of buckets[d] ?? []) {
        if (distance[place] !== d) continue;
        order[reached++] = place;
        relax(state, place, d, buckets);
      }
    }
    evaluate(state);
  }

  function relax(state: WorldState, place: number, d: number, buckets: number[][]): void {
    const list = area.neighbours[place] as Int32Array;
    for (let i = 0; i < list.length; i += 2) {
      const edgePlace = list[i] as number;
      const next = list[i + 1] as number;
      if (!works(state, edgePlace, next)) continue;
      const far = d + costOf(edgePlace, place);
      if (far >= (distance[next] as number)) continue;
      distance[next] = far;
      via[next] = edgePlace;
      before[next] = place;
      let bucket = buckets[far];
      while (bucket === undefined) {
        buckets.push([]);
        bucket = buckets[far];
      }
      bucket.push(next);
    }
  }

  function evaluate(state: WorldState): void {
    isAlive.fill(0);
    for (let i = 0; i < reached; i++) {
      const place = order[i] as number;
      if (i === 0) {
        isAlive[place] = state.nodeDown[area.nodes[place] as number] === 0 ? 1 : 0;
        keeps[place] = 1;
        delays[place] = 0;
        continue;
      }
      const from = before[place] as number;
      const edgePlace = via[place] as number;
      const edge = area.edges[edgePlace] as number;
      isAlive[place] = isAlive[from] === 1 && works(state, edgePlace, place) ? 1 : 0;
      // Half of the loss and half of the delay fall on each direction.
      keeps[place] = (keeps[from] as number) * Math.sqrt(1 - (state.edgeLoss[edge] as number));
      delays[place] = (delays[from] as number) + (state.edgeDelay[edge] as number) / 2;
    }
  }

  return {
    route,
    evaluate,
    isUp: (place) => isAlive[place] === 1,
    kept: (place) => keeps[place] as number,
    delayMs: (place) => delays[place] as number,
  };
}
