import type { Lane } from '../../protocol/model/sample.ts';
import { type DurationMs, durationMs, seconds } from '../../protocol/model/units.ts';
import type { PollReport } from '../poll/report.ts';
import { createWake } from '../poll/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Collector, Reply } from '../ports/collector.ts';
import type { Log } from '../ports/log.ts';
import type { Spool, SpooledBatch } from '../ports/spool.ts';
import { nextWait } from './backoff.ts';
import { decodeBatch, encodeBatch } from './batch-codec.ts';
import { type Contact, createContact } from './contact.ts';
import { remedyFor } from './remedy.ts';
import { sendDictionary } from './send-dictionary.ts';
import { createSeriesDictionary, DICTIONARY_MAX } from './series-dictionary.ts';

export interface ShipperDeps {
  readonly spool: Spool;
  readonly collector: Collector;
  readonly clock: Clock;
  readonly log: Log;
  /** 0..1, for the spread of the waits. */
  readonly random: () => number;
}

/** Moves batches from the spool to the collector: live first, backfill beside it at a walk. */
export interface Shipper {
  readonly contact: Contact;
  /** Who we are, by the server's word. Another name than before gives up what is spooled (counted). */
  setAgent(agent: string): Promise<void>;
  agent(): string | undefined;
  /** Into the spool; resolves when durable, or dropped and counted. */
  write(lane: Lane, reports: readonly PollReport[]): Promise<void>;
  start(agent: string | undefined): Promise<void>;
  /** Sends what is in the live lane, until it is empty or `wait` has passed; then stops. */
  drain(waitMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Backfill never sends faster than one batch in this time. */
const BACKFILL_EVERY = 500;
/** An empty lane looks again after this, if nobody woke it. */
const IDLE: DurationMs = seconds(1);
const WAIT = { first: 500, most: 10_000 };
/** For what only a person can mend: a revoked token, another version. */
const SLOW_WAIT = { first: 15_000, most: 60_000 };
/** After so many gaps in a row the server and we will never agree on a sequence: start a new spool id. */
const MAX_GAPS = 3;

export function createShipper(deps: ShipperDeps): Shipper {
  const { spool, collector, clock, log, random } = deps;
  const contact = createContact({ clock, log });
  /** Ends the wait of an empty lane. A pause between attempts is not ended by new data. */
  const written = { live: createWake(clock), backfill: createWake(clock) };
  const regained = createWake(clock);
  let dictionary = createSeriesDictionary(spool.dictionary());
  let agent: string | undefined;
  let isStopped = false;
  let loops: Promise<void>[] = [];

  async function renew(reason: string, from: SpooledBatch | undefined): Promise<void> {
    // The other lane may have been told the same.
    if (from !== undefined && from.spool !== spool.id()) return;
    const old = dictionary;
    const fresh = createSeriesDictionary();
    dictionary = fresh;
    try {
      await spool.renew((batch, place) => {
        const decoded = decodeBatch(batch.body, old.entry);
        if (decoded.report.samples.length === 0) return undefined;
        return encodeBatch(decoded.agent, place, [decoded.report], fresh);
      });
      log.warn({ reason, spool: spool.id() }, 'the spool has a new id');
    } catch (cause) {
      dictionary = old;
      throw cause;
    }
  }

  async function write(lane: Lane, reports: readonly PollReport[]): Promise<void> {
    try {
      if (dictionary.size() > DICTIONARY_MAX) await renew('the dictionary is full', undefined);
      await spool.append(lane, (place) => encodeBatch(agent as string, place, reports, dictionary));
      written[lane].ring();
    } catch (err) {
      log.error({ err }, 'a batch could not be written to the spool');
    }
  }

  /** One attempt. Returns how long to wait before the next, 0 = none. */
  async function attempt(lane: Lane, batch: SpooledBatch, tries: Tries): Promise<number> {
    const reply = await collector.sendBatch(batch.body, batch.sequence);
    if (reply.kind === 'accepted') {
      contact.accepted();
      tries.reset();
      // Only what we just sent: a spool restored from a backup holds other batches under later numbers.
      const sequence = Math.min(batch.sequence, reply.value.acknowledged[lane]);
      if (sequence < batch.sequence) return nextWait(tries.failed(), WAIT, random());
      await spool.acknowledge(batch);
      return 0;
    }
    contact.failed(reply);
    return mend(batch, reply, tries);
  }

  async function mend(
    batch: SpooledBatch,
    reply: Exclude<Reply<unknown>, { kind: 'accepted' }>,
    tries: Tries,
  ): Promise<number> {
    const failures = tries.failed();
    if (reply.kind === 'unreachable') return nextWait(failures, WAIT, random());
    const { code, detail, retryAfter } = reply;
    switch (remedyFor(code)) {
      case 'set-aside':
        tries.reset();
        log.error({ code, detail, sequence: batch.sequence }, 'the collector refuses a batch');
        await spool.refuse(batch, `${code}: ${detail}`);
        return 0;
      case 'renew':
        await renew(`${code}: ${detail}`, batch);
        return nextWait(failures, WAIT, random());
      case 'dictionary': {
        const outcome = await sendDictionary(collector, batch, dictionary.entries(), log, agent);
        if (outcome === 'never') await renew('the dictionary speaks of former targets', batch);
        return outcome === 'known' && failures < MAX_GAPS ? 0 : nextWait(failures, WAIT, random());
      }
      case 'gap':
        if (tries.gap() >= MAX_GAPS) await renew(`${code}: ${detail}`, batch);
        return nextWait(failures, WAIT, random());
      case 'person':
        return nextWait(failures, SLOW_WAIT, random(), retryAfter);
      case 'later':
        return nextWait(failures, WAIT, random(), retryAfter);
    }
  }

  async function step(lane: Lane, tries: Tries): Promise<void> {
    const batch = await spool.peek(lane);
    if (batch === undefined) {
      await written[lane].sleep(IDLE);
      return;
    }
    const wait = await attempt(lane, batch, tries);
    const pause = lane === 'backfill' ? Math.max(wait, BACKFILL_EVERY) : wait;
    if (pause > 0 && !isStopped) await regained.sleep(durationMs(pause));
  }

  async function run(lane: Lane): Promise<void> {
    const tries = createTries();
    while (!isStopped) {
      try {
        await step(lane, tries);
      } catch (err) {
        log.error({ err, lane }, 'shipping failed inside the agent');
        if (!isStopped) await regained.sleep(seconds(5));
      }
    }
  }

  async function stop(): Promise<void> {
    isStopped = true;
    collector.close();
    written.live.ring();
    written.backfill.ring();
    regained.ring();
    await Promise.all(loops);
  }

  return {
    contact,
    agent: () => agent,
    write,
    async setAgent(name) {
      if (agent !== undefined && agent !== name) {
        log.warn({ from: agent, to: name }, 'the token belongs to another agent now');
        dictionary = createSeriesDictionary();
        await spool.renew(() => undefined);
        regained.ring();
      }
      agent = name;
    },
    async start(name) {
      agent = name;
      if (spool.needsRenewal) await renew('the dictionary was damaged', undefined);
      contact.onRegained(regained.ring);
      loops = [run('live'), run('backfill')];
    },
    async drain(waitMs) {
      const until = clock.elapsed() + waitMs;
      regained.ring();
      while (clock.elapsed() < until && contact.silentFor() < 10_000) {
        if ((await spool.peek('live')) === undefined) break;
        await createWake(clock).sleep(durationMs(50));
      }
    },
    stop,
  };
}

interface Tries {
  reset(): void;
  /** How many attempts failed before this one. */
  failed(): number;
  gap(): number;
}

function createTries(): Tries {
  let failures = 0;
  let gaps = 0;
  return {
    reset() {
      failures = 0;
      gaps = 0;
    },
    failed: () => failures++,
    gap: () => ++gaps,
  };
}
