import type { Clock } from '../ports/clock.ts';
import type { Reply } from '../ports/collector.ts';
import type { Log } from '../ports/log.ts';
import { remedyFor } from './remedy.ts';

/** Whether the collector takes what we send: decides the lane, and speaks up when it changes. */
export interface Contact {
  accepted(): void;
  failed(reply: Exclude<Reply<unknown>, { kind: 'accepted' }>): void;
  /** ms since the collector last took a batch or heartbeat; counts from the start before that. */
  silentFor(): number;
  /** Called when the collector takes something again after it was out of reach. */
  onRegained(call: () => void): void;
}

interface Said {
  readonly text: string;
  readonly at: number;
  readonly isUnreachable: boolean;
}

/** Troubles are said once, and again after this, ms. */
const SAY_AGAIN = 60_000;

export function createContact({ clock, log }: { clock: Clock; log: Log }): Contact {
  let acceptedAt = clock.elapsed();
  let said: Said | undefined;
  let call: () => void = () => undefined;
  return {
    accepted() {
      acceptedAt = clock.elapsed();
      if (said === undefined) return;
      const wasAway = said.isUnreachable;
      said = undefined;
      log.info({}, 'the collector takes our data again');
      // One that was busy has said when to come back.
      if (wasAway) call();
    },
    failed(reply) {
      const text = reply.kind === 'unreachable' ? reply.text : `${reply.code}: ${reply.detail}`;
      const now = clock.elapsed();
      if (said?.text === text && now - said.at < SAY_AGAIN) return;
      said = { text, at: now, isUnreachable: reply.kind === 'unreachable' };
      if (reply.kind === 'problem' && remedyFor(reply.code) === 'person') {
        log.error(
          { reason: text },
          'the collector does not accept this agent; data waits in the spool',
        );
      } else {
        log.warn({ reason: text }, 'the collector did not take our data; it waits in the spool');
      }
    },
    silentFor: () => clock.elapsed() - acceptedAt,
    onRegained(added) {
      call = added;
    },
  };
}
