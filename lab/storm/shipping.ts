import type { Lane, Sample } from '../../protocol/model/sample.ts';
import type { Random } from '../random.ts';
import type { Wheel } from './wheel.ts';
import type { StormWorld } from './world.ts';

export const SHIP_EVENTS = { cut: 5, arrive: 6 } as const;

const STEP_MS = 100;
const CUT = 10;
const HEARTBEAT = 5_000;
/** A collector that is out of reach is tried again after this, doubling, ms. */
const RETRY = { first: 500, most: 10_000 };
const LATE_SHARE = 0.02;
const MAX_DELAY = 6_000;
/** What is measured while the collector has been out of reach for longer is backlog, as real agents have it, ms. */
const LIVE_WITHIN = 10_000;
/** Backlog that goes beside the live data each second. */
const BACKFILL_PER_CUT = 2;
const CHUNK = 5;

/** Something an agent sent and when it comes in, ms from the start; no samples = a heartbeat. */
export interface Arrival {
  readonly agent: number;
  readonly at: number;
  readonly lane: Lane;
  readonly samples: readonly Sample[];
}

interface Sender {
  waiting: Sample[];
  /** Live samples that could not be sent yet: they go before newer ones. */
  unsent: Sample[];
  backlog: Sample[][];
  isUrgent: boolean;
  sentAt: number;
  arrivedAt: number;
  retryAt: number;
  failures: number;
  readonly under: Arrival[];
}

export interface Shipping {
  emit(agent: number, sample: Sample, isUrgent: boolean): void;
  cut(agent: number, now: number): void;
  /** At the end of a step: urgent reports leave at once. */
  hurry(now: number): void;
  /** What came in by `now`, in order of time. */
  arrived(now: number): Arrival[];
  arrive(agent: number): void;
}

/**
 * From the agents to the collector: batches once a second or at once, heartbeats, late packets, a
 * spool while the way is dead, which follows as backfill when it is back.
 */
export function createShipping(
  agents: number,
  deps: { readonly world: StormWorld; readonly wheel: Wheel; readonly random: Random },
): Shipping {
  const { world, wheel, random } = deps;
  const urgent: number[] = [];
  const due: number[] = [];
  const senders = Array.from(
    { length: agents },
    (): Sender => ({
      waiting: [],
      unsent: [],
      backlog: [],
      isUrgent: false,
      sentAt: -HEARTBEAT,
      arrivedAt: 0,
      retryAt: 0,
      failures: 0,
      under: [],
    }),
  );
  for (const agent of senders.keys()) {
    wheel.put(1 + Math.floor(random.next() * CUT), SHIP_EVENTS.cut, agent);
  }

  const senderAt = (agent: number): Sender => senders[agent] as Sender;

  function delay(agent: number): number {
    let ms = random.between(15, 250);
    if (random.next() < LATE_SHARE) ms += random.between(500, 4_000);
    const loss = world.uplinkLoss(agent);
    for (let again = 250; random.next() < loss && again < 4_000; again *= 2) ms += again;
    return Math.min(MAX_DELAY, ms);
  }

  function send(agent: number, lane: Lane, samples: readonly Sample[], now: number): void {
    const sender = senderAt(agent);
    const at = Math.max(sender.arrivedAt + 1, Math.round(now + delay(agent)));
    sender.arrivedAt = at;
    sender.sentAt = now;
    sender.under.push({ agent, at, lane, samples });
    wheel.put(Math.max(1, Math.ceil((at - now) / STEP_MS)), SHIP_EVENTS.arrive, agent);
  }

  /** True when the collector can be reached; a failed attempt is not repeated at once. */
  function reaches(agent: number, now: number): boolean {
    const sender = senderAt(agent);
    if (now < sender.retryAt) return false;
    if (world.isConnected(agent)) {
      sender.failures = 0;
      return true;
    }
    const wait = Math.min(RETRY.most, RETRY.first * 2 ** sender.failures);
    sender.failures += 1;
    sender.retryAt = now + wait * random.between(0.5, 1);
    return false;
  }

  function keep(sender: Sender, now: number): void {
    if (sender.waiting.length === 0) return;
    if (now - sender.sentAt <= LIVE_WITHIN) {
      sender.unsent.push(...sender.waiting);
      sender.waiting = [];
      return;
    }
    const last = sender.backlog.at(-1);
    if (last !== undefined && sender.failures % CHUNK !== 0) last.push(...sender.waiting);
    else sender.backlog.push(sender.waiting);
    sender.waiting = [];
  }

  function ship(agent: number, now: number): void {
    const sender = senderAt(agent);
    sender.isUrgent = false;
    if (!world.isRunning(agent)) return;
    const isDue =
      sender.waiting.length > 0 || sender.unsent.length > 0 || now - sender.sentAt >= HEARTBEAT;
    if (!isDue && sender.backlog.length === 0) return;
    if (!reaches(agent, now)) {
      keep(sender, now);
      return;
    }
    if (isDue) {
      const samples = [...sender.unsent, ...sender.waiting];
      sender.unsent = [];
      sender.waiting = [];
      send(agent, 'live', samples, now);
    }
    for (let n = 0; n < BACKFILL_PER_CUT; n++) {
      const chunk = sender.backlog.shift();
      if (chunk !== undefined) send(agent, 'backfill', chunk, now);
    }
  }

  return {
    emit(agent, sample, isUrgent) {
      const sender = senderAt(agent);
      sender.waiting.push(sample);
      if (!isUrgent || sender.isUrgent) return;
      sender.isUrgent = true;
      urgent.push(agent);
    },
    cut(agent, now) {
      wheel.put(CUT, SHIP_EVENTS.cut, agent);
      ship(agent, now);
    },
    hurry(now) {
      for (const agent of urgent) if (senderAt(agent).isUrgent) ship(agent, now);
      urgent.length = 0;
    },
    arrive: (agent) => void due.push(agent),
    arrived(now) {
      if (due.length === 0) return [];
      const arrivals: Arrival[] = [];
      for (const agent of new Set(due)) {
        const { under } = senderAt(agent);
        while (under[0] !== undefined && under[0].at <= now)
          arrivals.push(under.shift() as Arrival);
      }
      due.length = 0;
      return arrivals.sort((a, b) => a.at - b.at || a.agent - b.agent);
    },
  };
}
