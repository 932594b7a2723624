import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNames } from '../../agent/poll/names.ts';
import { createPoller, type PollTask } from '../../agent/poll/poller.ts';
import { createSchedule } from '../../agent/poll/schedule.ts';
import { createFakeClock, createFakeLog } from '../support/agent-fakes.ts';

describe('the schedule', () => {
  test('spreads targets evenly over their period', () => {
    const schedule = createSchedule();
    for (let i = 0; i < 1000; i++) schedule.set(`router-${i}`, 60_000, 0);
    schedule.take(60_000);
    const buckets = new Array<number>(60).fill(0);
    for (const due of schedule.take(180_000)) {
      buckets[Math.floor((due.dueAt % 60_000) / 1000)]! += 1;
    }
    expect(Math.max(...buckets)).toBeLessThan(45);
    expect(Math.min(...buckets)).toBeGreaterThan(3);
  });

  test('a new target is polled within five seconds, however long its period is', () => {
    const schedule = createSchedule();
    schedule.set('slow', 3_600_000, 1_000_000);
    expect(schedule.nextAt()).toBeLessThan(1_005_000);
  });

  test('after the first poll every target keeps its period exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 600_000 }), fc.string(), (every, id) => {
        const schedule = createSchedule();
        schedule.set(id, every, 12_345);
        const ats: number[] = [];
        for (let i = 0; i < 10; i++) {
          const next = schedule.nextAt() as number;
          expect(schedule.take(next - 0.001)).toEqual([]);
          ats.push(schedule.take(next)[0]?.dueAt as number);
        }
        for (let i = 2; i < 10; i++) {
          expect((ats[i] as number) - (ats[i - 1] as number)).toBeCloseTo(every, 3);
        }
        const first = (ats[1] as number) - (ats[0] as number);
        expect(first).toBeGreaterThanOrEqual(every / 2);
        expect(first).toBeLessThanOrEqual(every * 1.5 + 0.001);
      }),
    );
  });

  test('periods that were slept through are counted, not caught up', () => {
    const schedule = createSchedule();
    schedule.set('a', 1000, 0);
    const [due] = schedule.take(10_500);
    expect(due?.missed).toBeGreaterThanOrEqual(9);
    expect(due?.dueAt).toBeGreaterThan(9_500);
    expect(schedule.take(10_500)).toEqual([]);
  });

  test('gives out targets in the order in which they are due; removed ones never', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 50 }), (ids) => {
        const schedule = createSchedule();
        for (const id of ids) schedule.set(id, 5000, 0);
        const gone = ids.filter((_, i) => i % 3 === 0);
        for (const id of gone) schedule.remove(id);
        // The last moment at which none has missed a whole period: a missed one is dated by its newest.
        const due = schedule.take(4999);
        expect(due.map((one) => one.dueAt)).toEqual(
          due.map((one) => one.dueAt).sort((a, b) => a - b),
        );
        expect(new Set(due.map((one) => one.id))).toEqual(
          new Set(ids.filter((id) => !gone.includes(id))),
        );
      }),
    );
  });
});

describe('the poller', () => {
  function bench(maxPolls = 64) {
    const clock = createFakeClock();
    const log = createFakeLog();
    const poller = createPoller({ clock, log, maxPolls });
    const runs: Array<{ id: string; at: number; deadline: number }> = [];
    const add = (id: string, takes: number, more: Partial<PollTask> = {}) =>
      poller.set({
        id,
        every: 1000,
        maxRuns: 1,
        isBounded: true,
        close: () => undefined,
        run: ({ deadline }) =>
          new Promise((resolve) => {
            runs.push({ id, at: clock.elapsed(), deadline });
            clock.after(takes as never, () => resolve());
          }),
        ...more,
      });
    return { clock, log, poller, runs, add };
  }

  test('a target that is still busy is skipped and counted, never queued', async () => {
    const { clock, poller, runs, add } = bench();
    add('slow', 2500);
    await clock.advance(12_000);
    const ats = runs.map((run) => run.at);
    for (let i = 1; i < ats.length; i++) {
      expect((ats[i] as number) - (ats[i - 1] as number)).toBe(3000);
    }
    expect(poller.skipped()).toBeGreaterThanOrEqual(6);
  });

  test('a dead device delays no other', async () => {
    const { clock, runs, add, poller } = bench();
    add('dead', 900);
    for (let i = 0; i < 20; i++) add(`r${i}`, 10);
    await clock.advance(10_000);
    expect(runs.filter((run) => run.id === 'r7').length).toBeGreaterThanOrEqual(9);
    expect(poller.takeLag()).toBe(0);
  });

  test('at most so many polls run at a time; who cannot start before its next poll is skipped', async () => {
    const { clock, poller, runs, add } = bench(2);
    for (let i = 0; i < 10; i++) add(`r${i}`, 400);
    await clock.advance(10_000);
    // Two places, 400 ms each: five polls a second for ten targets a second.
    expect(runs.length).toBeGreaterThan(40);
    expect(runs.length).toBeLessThanOrEqual(52);
    expect(poller.skipped()).toBeGreaterThan(30);
    expect(poller.takeLag()).toBeGreaterThan(100);
    expect(poller.takeLag()).toBeLessThanOrEqual(1000);
  });

  test("a poll's time ends before its next one is due", async () => {
    const { clock, runs, add } = bench();
    add('a', 10);
    await clock.advance(3000);
    for (const run of runs) {
      expect(run.deadline - run.at).toBeGreaterThan(500);
      expect(run.deadline - run.at).toBeLessThan(1000);
    }
  });

  test('a poll that throws is said and does not stop the next one', async () => {
    const { clock, log, runs, add } = bench();
    add('bad', 0, { run: async () => Promise.reject(new Error('bug')) });
    add('good', 10);
    await clock.advance(5000);
    expect(log.lines.filter((line) => line.level === 'error').length).toBeGreaterThanOrEqual(4);
    expect(runs.length).toBeGreaterThanOrEqual(4);
  });

  test('a run asked for again comes at its time and keeps clear of the schedule', async () => {
    const { clock, poller, runs, add } = bench();
    add('a', 10, { every: 60_000 });
    await clock.advance(10_000);
    const first = runs[0]?.at as number;
    expect(runs).toHaveLength(1);
    poller.runAgainAt('a', first + 15_000);
    poller.runAgainAt('a', first + 12_000);
    await clock.advance(8_000);
    expect(runs.map(({ at }) => at)).toEqual([first, first + 12_000]);
    await clock.advance(200_000);
    const next = (runs.at(-1)?.at as number) + 60_000;
    const before = runs.length;
    // So shortly before the next one of the schedule there is no need.
    poller.runAgainAt('a', next - 2_000);
    await clock.advance(next + 100 - clock.elapsed());
    expect(runs.slice(before).map(({ at }) => at)).toEqual([next]);
    poller.runAgainAt('a', next + 20_000);
    poller.runAgainAt('unknown', next + 20_000);
    poller.remove('a');
    await clock.advance(100_000);
    expect(runs).toHaveLength(before + 1);
    expect(poller.skipped()).toBe(0);
  });

  test('a removed target is closed and not polled again; runNow does not overlap', async () => {
    const { clock, poller, runs, add } = bench();
    let closed = 0;
    const close = () => {
      closed += 1;
    };
    add('a', 300, { close });
    await clock.advance(3000);
    const before = runs.length;
    poller.runNow('a');
    poller.runNow('a');
    await clock.advance(10);
    expect(runs.length - before).toBeLessThanOrEqual(1);
    poller.remove('a');
    await clock.advance(5000);
    expect(runs.length - before).toBeLessThanOrEqual(1);
    expect(closed).toBe(1);
  });
});

describe('names', () => {
  test('are looked up rarely, and a name server that is away takes no address away', async () => {
    const clock = createFakeClock();
    let answer: string | undefined = '192.0.2.1';
    let asked = 0;
    const names = createNames({
      clock,
      lookUp: async () => {
        asked += 1;
        return answer;
      },
    });
    expect(await names.resolve('edge')).toBe('192.0.2.1');
    expect(await names.resolve('edge')).toBe('192.0.2.1');
    expect(await names.resolve('198.51.100.7')).toBe('198.51.100.7');
    expect(await names.resolve('2001:db8::1')).toBe('2001:db8::1');
    expect(asked).toBe(1);
    answer = undefined;
    await clock.advance(6 * 60_000);
    await names.resolve('edge');
    expect(await names.resolve('edge')).toBe('192.0.2.1');
    expect(asked).toBe(2);
    answer = '192.0.2.9';
    await clock.advance(60_000);
    await names.resolve('edge');
    await clock.advance(0);
    expect(await names.resolve('edge')).toBe('192.0.2.9');
  });

  test('an unknown name is asked for again after half a minute; a resolver that throws is no crash', async () => {
    const clock = createFakeClock();
    let asked = 0;
    const names = createNames({
      clock,
      lookUp: async () => {
        asked += 1;
        throw new Error('resolver broken');
      },
    });
    expect(await names.resolve('nowhere')).toBeUndefined();
    expect(await names.resolve('nowhere')).toBeUndefined();
    expect(asked).toBe(1);
    await clock.advance(31_000);
    expect(await names.resolve('nowhere')).toBeUndefined();
    expect(asked).toBe(2);
  });
});
