import type { Health } from '../../protocol/model/fact.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { seenAt } from './marks.ts';
import type { Sink } from './sink.ts';
import type { Shared } from './watched.ts';
import { durationText } from './wording.ts';

const RANK: Record<Health, number> = { unknown: 0, up: 1, degraded: 2, down: 3 };

interface State {
  readonly health: Health;
  readonly because: string;
}

/** Tells how the subject does, when that has changed. @param when time of what changed it. */
export function tellHealth(shared: Shared, sink: Sink, when: EpochMs, now: EpochMs): void {
  const { health, because } = healthOf(shared, now);
  if (health === shared.health) return;
  shared.health = health;
  sink.push(when, { kind: 'subject.changed', at: now, subject: shared.key, health, because });
}

/** The worst of what is seen of it now; a firing alert whose data stopped is not seen. */
function healthOf(shared: Shared, now: EpochMs): State {
  let worst: State | undefined;
  let lastAt = epochMs(0);
  for (const view of shared.views) {
    lastAt = epochMs(Math.max(lastAt, seenAt(view)));
    for (const state of statesOf(view)) {
      if (worst === undefined || RANK[state.health] > RANK[worst.health]) worst = state;
    }
  }
  if (worst !== undefined) return worst;
  const because = lastAt === 0 ? 'no longer watched' : `no data for ${durationText(now - lastAt)}`;
  return { health: 'unknown', because };
}

function* statesOf(view: Shared['views'][number]): Generator<State> {
  for (const { alert, isBlind, machine } of view.cells) {
    if (alert === undefined || isBlind) continue;
    if (machine?.state !== 'firing') {
      yield { health: 'degraded', because: 'it comes and goes, and is well at the moment' };
      continue;
    }
    const health = alert.disturbance === 'outage' ? 'down' : 'degraded';
    yield { health, because: alert.evidence.text };
  }
  if (!view.isFresh) return;
  const isAgent = view.kind === 'agent';
  yield { health: 'up', because: isAgent ? 'it is heard' : 'measured and within its limits' };
}
