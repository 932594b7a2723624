import { durationMs } from '../../protocol/model/units.ts';
import type { CancelTimer, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { createSchedule, type Due } from './schedule.ts';

/** One run of a task: its times are on the clock's `elapsed`. */
export interface Slot {
  readonly dueAt: number;
  /** The next run is due then. */
  readonly endsAt: number;
  /** A device's whole poll must be over by then, before its next one. */
  readonly deadline: number;
}

export interface PollTask {
  readonly id: string;
  readonly every: number;
  /** Runs that may be open at once. 1 = no overlap; echo rounds fill their slot, so their tails overlap. */
  readonly maxRuns: number;
  /** Whether it counts against the bound of polls that run at the same time. */
  readonly isBounded: boolean;
  run(slot: Slot): Promise<void>;
  close(): void;
}

export interface Poller {
  /** Adds the task; one with the same id is closed and replaced. */
  set(task: PollTask): void;
  remove(id: string): void;
  /** Runs it now, beside its schedule, unless it is running already. */
  runNow(id: string): void;
  /**
   * Runs it once more at `at`, on the clock's `elapsed`, beside its schedule. A later call takes the
   * place of an earlier one; a run of the schedule that comes soon after, or is under way, suffices.
   */
  runAgainAt(id: string, at: number): void;
  /** Worst lateness of a run since the last call, ms. */
  takeLag(): number;
  /** Runs that were given up since the start, because the one before was still busy. */
  skipped(): number;
  close(): void;
}

interface Running {
  readonly task: PollTask;
  runs: number;
  isWaiting: boolean;
  cancelAgain: CancelTimer;
}

/** Part of the period that a poll may use; the rest keeps a slow device off its next poll. */
const BUDGET = 0.9;

/** A run beside the schedule leaves the next one of the schedule at least so much time, ms. */
const LEAVES_FREE = 3_000;

const nothing = (): void => undefined;

/**
 * The shell around the schedule: one timer, no overlap, at most `maxPolls` bounded polls at a time.
 * A poll that cannot start before its next one is due is skipped and counted, never queued.
 */
export function createPoller(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly maxPolls?: number;
}): Poller {
  const { clock, log, maxPolls = 64 } = options;
  const schedule = createSchedule();
  const tasks = new Map<string, Running>();
  const waiting: Array<{ running: Running; slot: Slot }> = [];
  let polls = 0;
  let worstLag = 0;
  let skipped = 0;
  let timer: CancelTimer = nothing;

  function arm(): void {
    timer();
    const at = schedule.nextAt();
    if (at === undefined) return;
    timer = clock.after(durationMs(Math.max(0, at - clock.elapsed())), turn);
  }

  function turn(): void {
    const now = clock.elapsed();
    for (const due of schedule.take(now)) begin(due);
    startWaiting();
    arm();
  }

  function begin({ id, dueAt, missed }: Due): void {
    const running = tasks.get(id);
    if (running === undefined) return;
    skipped += missed;
    const { every, maxRuns } = running.task;
    if (running.runs >= maxRuns || running.isWaiting) {
      skipped += 1;
      return;
    }
    enter(running, { dueAt, endsAt: dueAt + every, deadline: dueAt + every * BUDGET });
  }

  function enter(running: Running, slot: Slot): void {
    if (!running.task.isBounded) {
      start(running, slot);
      return;
    }
    running.isWaiting = true;
    waiting.push({ running, slot });
  }

  function startWaiting(): void {
    while (polls < maxPolls) {
      const next = waiting.shift();
      if (next === undefined) return;
      const { running, slot } = next;
      running.isWaiting = false;
      if (tasks.get(running.task.id) !== running) continue;
      if (clock.elapsed() >= slot.deadline) skipped += 1;
      else start(running, slot);
    }
  }

  function start(running: Running, slot: Slot): void {
    const { task } = running;
    worstLag = Math.max(worstLag, clock.elapsed() - slot.dueAt);
    running.runs += 1;
    if (task.isBounded) polls += 1;
    task
      .run(slot)
      .catch((err: unknown) =>
        log.error({ err, target: task.id }, 'a poll failed inside the agent'),
      )
      .finally(() => {
        running.runs -= 1;
        if (task.isBounded) polls -= 1;
        startWaiting();
      });
  }

  function runAgain(id: string): void {
    const running = tasks.get(id);
    const next = schedule.dueOf(id);
    if (running === undefined || next === undefined) return;
    const now = clock.elapsed();
    const isBusy = running.runs > 0 || running.isWaiting;
    if (isBusy || next - now <= LEAVES_FREE) return;
    const deadline = Math.min(now + running.task.every * BUDGET, next - LEAVES_FREE / 2);
    enter(running, { dueAt: now, endsAt: next, deadline });
    startWaiting();
  }

  function remove(id: string): void {
    schedule.remove(id);
    tasks.get(id)?.cancelAgain();
    tasks.get(id)?.task.close();
    tasks.delete(id);
  }

  return {
    set(task) {
      remove(task.id);
      tasks.set(task.id, { task, runs: 0, isWaiting: false, cancelAgain: nothing });
      schedule.set(task.id, task.every, clock.elapsed());
      arm();
    },
    remove(id) {
      remove(id);
      arm();
    },
    runNow(id) {
      const running = tasks.get(id);
      if (running === undefined || running.runs > 0) return;
      const now = clock.elapsed();
      begin({ id, dueAt: now, missed: 0 });
      startWaiting();
    },
    runAgainAt(id, at) {
      const running = tasks.get(id);
      if (running === undefined) return;
      running.cancelAgain();
      const wait = durationMs(Math.max(0, at - clock.elapsed()));
      running.cancelAgain = clock.after(wait, () => runAgain(id));
    },
    takeLag() {
      const lag = worstLag;
      worstLag = 0;
      return lag;
    },
    skipped: () => skipped,
    close() {
      timer();
      for (const id of [...tasks.keys()]) remove(id);
    },
  };
}
