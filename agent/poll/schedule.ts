/**
 * When which target is due: pure, on a clock that only grows (ms). Targets are spread over their
 * period by a hash of their id, so that a thousand targets are not polled at second 0.
 */
export interface Schedule {
  /** Adds a target, or gives it another period. */
  set(id: string, every: number, now: number): void;
  remove(id: string): void;
  /** Targets due at `now`, each once, with the time it was due; periods that were missed altogether are counted. */
  take(now: number): Due[];
  /** When the target is due next; undefined = it is not polled. */
  dueOf(id: string): number | undefined;
  /** When `take` has something to give next; undefined when there is nothing to poll. */
  nextAt(): number | undefined;
}

export interface Due {
  readonly id: string;
  readonly dueAt: number;
  readonly missed: number;
}

interface Entry {
  readonly id: string;
  readonly every: number;
  readonly phase: number;
  dueAt: number;
}

/** A new target is polled for the first time within this, however long its period is. */
const FIRST_WITHIN = 5_000;

/** FNV-1a, 32 bits: spreads ids that differ in one digit. */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  }
  // FNV leaves the low bits of similar ids alike; one more mix (Murmur3's finaliser) spreads them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function createSchedule(): Schedule {
  const entries = new Map<string, Entry>();
  /** Binary heap by dueAt. Entries that were removed or replaced stay in it until they surface. */
  const heap: Entry[] = [];

  const isAlive = (entry: Entry): boolean => entries.get(entry.id) === entry;

  function dropDead(): void {
    while (heap[0] !== undefined && !isAlive(heap[0])) pop(heap);
  }

  return {
    set(id, every, now) {
      if (entries.get(id)?.every === every) return;
      const hash = hashOf(id);
      const entry = firstDue({ id, every, hash, now });
      entries.set(id, entry);
      push(heap, entry);
    },
    remove(id) {
      entries.delete(id);
    },
    take(now) {
      const due: Due[] = [];
      for (dropDead(); heap[0] !== undefined && heap[0].dueAt <= now; dropDead()) {
        const entry = pop(heap) as Entry;
        const { id, every } = entry;
        const missed = Math.floor((now - entry.dueAt) / every);
        const dueAt = entry.dueAt + missed * every;
        due.push({ id, dueAt, missed });
        entry.dueAt = nextDue(entry, dueAt);
        push(heap, entry);
      }
      return due;
    },
    dueOf: (id) => entries.get(id)?.dueAt,
    nextAt() {
      dropDead();
      return heap[0]?.dueAt;
    },
  };
}

function firstDue(of: { id: string; every: number; hash: number; now: number }): Entry {
  const { id, every, hash, now } = of;
  const dueAt = now + (hash % Math.min(every, FIRST_WITHIN));
  // Short periods keep the phase of their first poll; long ones move to their own place in the period.
  const phase = every <= FIRST_WITHIN ? dueAt % every : hash % every;
  return { id, every, phase, dueAt };
}

/** The next time of the target's phase that leaves at least half a period after `dueAt`. */
function nextDue({ every, phase }: Entry, dueAt: number): number {
  const earliest = dueAt + every / 2;
  return phase + Math.ceil((earliest - phase) / every) * every;
}

function push(heap: Entry[], entry: Entry): void {
  heap.push(entry);
  for (let i = heap.length - 1; i > 0; ) {
    const parent = (i - 1) >> 1;
    if ((heap[parent] as Entry).dueAt <= (heap[i] as Entry).dueAt) return;
    swap(heap, i, parent);
    i = parent;
  }
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  heap[0] = last;
  for (let i = 0; ; ) {
    const smaller = smallerChild(heap, i);
    if (smaller === undefined) return top;
    swap(heap, i, smaller);
    i = smaller;
  }
}

/** The child that must go above `i`, if any. */
function smallerChild(heap: Entry[], i: number): number | undefined {
  const left = 2 * i + 1;
  const right = left + 1;
  const at = (index: number): number => heap[index]?.dueAt ?? Number.POSITIVE_INFINITY;
  const child = at(right) < at(left) ? right : left;
  return at(child) < at(i) ? child : undefined;
}

function swap(heap: Entry[], a: number, b: number): void {
  const entry = heap[a] as Entry;
  heap[a] = heap[b] as Entry;
  heap[b] = entry;
}
