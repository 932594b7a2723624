import type { Fact } from '../protocol/model/fact.ts';
import type { Sample } from '../protocol/model/sample.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { Engine, Instant } from '../rules/contract.ts';
import type { ReplayInput } from './replay-lines.ts';

/** Feeds recorded inputs to the engine in virtual time, with a tick on every whole second. */
export interface Drive {
  take(inputs: readonly ReplayInput[]): void;
  /** Judges what still waits. */
  end(): void;
  readonly samples: number;
}

const SECOND = 1000;

/**
 * Samples that arrive at one instant from one agent are one batch, as they would be live. Time never
 * runs backwards: a line that is older than one before it arrives with that one, as late data.
 * @param agentsHeard agents that no recorded heartbeat speaks for; they are heard with every tick
 */
export function createDrive(
  engine: Engine,
  emit: (facts: readonly Fact[]) => void,
  agentsHeard: readonly string[],
): Drive {
  let position = 0;
  let now = -1;
  let nextTick = 0;
  let hasOwnTicks = false;
  let samples = 0;
  let waiting: Sample[] = [];
  let waitingAgent = '';

  function instant(at: number): Instant {
    position += 1;
    return { now: epochMs(at), position };
  }

  function flush(): void {
    if (waiting.length === 0) return;
    const batch = { agent: waitingAgent, lane: 'live' as const, samples: waiting };
    waiting = [];
    const at = instant(now);
    emit(engine.heard(batch.agent, at));
    emit(engine.observe(batch, at));
  }

  function tick(at: number): void {
    for (const agent of agentsHeard) emit(engine.heard(agent, instant(at)));
    emit(engine.tick(instant(at)));
  }

  function moveTo(arrival: EpochMs): void {
    if (arrival <= now) return;
    flush();
    if (now < 0) nextTick = Math.ceil(arrival / SECOND) * SECOND;
    if (!hasOwnTicks) {
      for (; nextTick <= arrival; nextTick += SECOND) tick(nextTick);
    }
    now = arrival;
  }

  function takeSample(sample: Sample): void {
    const { agent } = sample.series;
    if (agent !== waitingAgent) {
      flush();
      waitingAgent = agent;
    }
    waiting.push(sample);
    samples += 1;
  }

  function takeOne(input: ReplayInput): void {
    // A recording with its own ticks brings every one of them; more would be another story.
    if (input.kind === 'tick') hasOwnTicks = true;
    moveTo(input.arrival);
    if (input.kind === 'sample') {
      takeSample(input.sample);
      return;
    }
    flush();
    if (input.kind === 'tick') emit(engine.tick(instant(now)));
    else if (input.kind === 'heartbeat') emit(engine.heard(input.agent, instant(now)));
    else emit(engine.apply(input.command, instant(now)));
  }

  return {
    take(inputs) {
      for (const input of inputs) takeOne(input);
    },
    end: flush,
    get samples() {
      return samples;
    },
  };
}
