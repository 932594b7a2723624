import type { Fact } from '../protocol/model/fact.ts';
import type { Lane, Sample } from '../protocol/model/sample.ts';
import { assertNever, type EpochMs, epochMs } from '../protocol/model/units.ts';
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
 * Positions of a recorded log are kept, so that incidents get the ids they had.
 */
export function createDrive(engine: Engine, emit: (facts: readonly Fact[]) => void): Drive {
  let position = 0;
  let now = -1;
  let nextTick = 0;
  let hasOwnTicks = false;
  let samples = 0;
  let waiting: Sample[] = [];
  let waitingAgent = '';
  let waitingLane: Lane = 'live';
  /** The record whose samples are being read: its agent has been heard. */
  let record: { readonly agent: string; readonly at: Instant } | undefined;

  /** Positions only grow, also where several recordings are read as one. */
  function instant(at: number, given = 0): Instant {
    position = Math.max(position + 1, given);
    return { now: epochMs(at), position };
  }

  function flush(): void {
    if (waiting.length === 0) return;
    const batch = { agent: waitingAgent, lane: waitingLane, samples: waiting };
    waiting = [];
    const recorded = record?.agent === batch.agent ? record.at : undefined;
    record = undefined;
    const at = recorded ?? instant(now);
    if (recorded === undefined) emit(engine.heard(batch.agent, at));
    emit(engine.observe(batch, at));
  }

  function moveTo(arrival: EpochMs): void {
    if (arrival <= now) return;
    flush();
    record = undefined;
    if (now < 0) nextTick = Math.ceil(arrival / SECOND) * SECOND;
    if (!hasOwnTicks) tickUntil(arrival);
    now = arrival;
  }

  /** Ticks that would do nothing are only counted: in a recording of rare polls nearly all are such. */
  function tickUntil(arrival: EpochMs): void {
    while (nextTick <= arrival) {
      const last = Math.min(engine.quietUntil() - 1, arrival);
      const idle = Math.max(0, Math.floor((last - nextTick) / SECOND) + 1);
      position += idle;
      nextTick += idle * SECOND;
      if (nextTick > arrival) return;
      emit(engine.tick(instant(nextTick)));
      nextTick += SECOND;
    }
  }

  function takeSample(sample: Sample, lane: Lane = 'live'): void {
    const { agent } = sample.series;
    if (agent !== waitingAgent || lane !== waitingLane) {
      flush();
      waitingAgent = agent;
      waitingLane = lane;
    }
    waiting.push(sample);
    samples += 1;
  }

  function takeOne(input: ReplayInput): void {
    const position = input.kind === 'sample' ? undefined : input.position;
    // A recording with its own ticks brings every one of them; more would be another story.
    if (input.kind === 'tick' || position !== undefined) hasOwnTicks = true;
    moveTo(input.arrival);
    if (input.kind === 'sample') {
      takeSample(input.sample, input.lane);
      return;
    }
    flush();
    const at = instant(now, position);
    const isRecord = input.kind === 'heartbeat' && position !== undefined;
    record = isRecord ? { agent: input.agent, at } : undefined;
    emit(factsOf(input, at));
  }

  function factsOf(input: Exclude<ReplayInput, { kind: 'sample' }>, at: Instant): readonly Fact[] {
    switch (input.kind) {
      case 'tick':
        return engine.tick(at);
      case 'heartbeat':
        return engine.heard(input.agent, at);
      case 'config':
        return engine.configure(input.settings, at);
      case 'command':
        return engine.apply(input.command, at);
      default:
        return assertNever(input);
    }
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
