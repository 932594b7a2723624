import type { Command, OwnTroubleKind } from '../protocol/model/command.ts';
import type { Incident } from '../protocol/model/incident.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { HistoryState } from './ports/history.ts';
import type { CommandOutcome } from './ports/show.ts';

export interface OwnIncidentsDeps {
  readonly history: () => Pick<HistoryState, 'stoppedBy' | 'stoppedAt' | 'isLookedAt'>;
  /** The engine has heard of such trouble before: how it is now must be told after the start. */
  readonly wasTold: boolean;
  readonly command: (command: Command) => Promise<CommandOutcome>;
  readonly now: () => EpochMs;
  readonly log: { error(fields: object, sentence: string): void };
}

const LOOK_EVERY_MS = 2000;
const TROUBLE: OwnTroubleKind = 'history-stopped';

/** Whether one of these incidents, of whatever state, is about trouble that is told here. */
export const isOwnTroubleIn = (incidents: readonly Incident[]): boolean =>
  incidents.some(({ root }) => root.rule === TROUBLE);

/**
 * Makes trouble of the server itself an incident: told to the engine by a logged command when it
 * begins and when it is over, so that page, tickets and replay treat it like any other. After a start
 * nothing is told before it was seen how things are.
 */
export function startOwnIncidents({ history, wasTold, command, now, log }: OwnIncidentsDeps) {
  let told: 'unknown' | 'trouble' | 'over' = wasTold ? 'unknown' : 'over';
  let isTelling = false;
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  timer.unref();

  async function look(): Promise<void> {
    const state = history();
    const is = state.stoppedBy === undefined ? 'over' : 'trouble';
    if (isTelling || !state.isLookedAt || is === told) return;
    isTelling = true;
    try {
      const outcome = await command(commandFor(state, now()));
      // Refused: the engine knew it already. Busy: told at the next look.
      if (outcome.kind !== 'busy') told = is;
    } catch (err) {
      log.error({ err }, 'the engine could not be told of trouble of our own; tried again soon');
    } finally {
      isTelling = false;
    }
  }

  return { look, stop: () => clearInterval(timer) };
}

function commandFor(
  { stoppedBy, stoppedAt }: Pick<HistoryState, 'stoppedBy' | 'stoppedAt'>,
  now: EpochMs,
): Command {
  if (stoppedBy === undefined) {
    return { kind: 'own-trouble-over', trouble: TROUBLE, text: 'samples are kept again' };
  }
  const text = `samples are judged but not kept: ${stoppedBy}`;
  return { kind: 'own-trouble', trouble: TROUBLE, since: epochMs(stoppedAt ?? now), text };
}
