import { seconds } from '../../protocol/model/units.ts';
import type { Heartbeat } from '../../protocol/wire/batch.ts';
import { createWake } from '../poll/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Collector } from '../ports/collector.ts';
import type { Contact } from './contact.ts';

/** Silence on the wire that a heartbeat ends; the server calls an agent silent after 12 s. */
const QUIET = 4_000;
/** Batches say nothing of lag, spool and engines, so a heartbeat goes beside them this often. */
const ANYWAY = 15_000;

/** Sends heartbeats until `stop`; `make` returns undefined while we do not know who we are. */
export function startHeartbeats(options: {
  readonly clock: Clock;
  readonly collector: Collector;
  readonly contact: Contact;
  readonly make: () => Heartbeat | undefined;
}): { stop(): Promise<void> } {
  const { clock, collector, contact, make } = options;
  const wake = createWake(clock);
  let isStopped = false;
  let triedAt = Number.NEGATIVE_INFINITY;

  async function beat(): Promise<void> {
    const sinceTried = clock.elapsed() - triedAt;
    if (sinceTried < QUIET || (contact.silentFor() < QUIET && sinceTried < ANYWAY)) return;
    const heartbeat = make();
    if (heartbeat === undefined) return;
    triedAt = clock.elapsed();
    const reply = await collector.sendHeartbeat(heartbeat);
    if (isStopped) return;
    if (reply.kind === 'accepted') contact.accepted();
    else contact.failed(reply);
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      await beat();
      await wake.sleep(seconds(1));
    }
  }

  const running = run();
  return {
    async stop() {
      isStopped = true;
      wake.ring();
      await running;
    },
  };
}
