import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { isIncidentFact } from '../../protocol/model/fact.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { createRecordClock } from '../../server/pipeline/clock.ts';
import { correctionOf, measure } from '../../server/pipeline/skew.ts';
import type { InputLog } from '../../server/ports/input-log.ts';
import { batch, type Rig, type RigOptions, startRig } from '../support/server-rig.ts';

const open: Rig[] = [];
async function rigWith(options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig({ rateLimit: { perSecond: 1e6, burst: 1e6 }, ...options });
  open.push(rig);
  return rig;
}
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close().catch(() => {});
});

/** Restarts on the same folder as after kill -9. */
async function restart(rig: Rig, options: RigOptions = {}): Promise<Rig> {
  await rig.drop();
  open.splice(open.indexOf(rig), 1);
  return rigWith({ folder: rig.folder, ...options });
}

const lost = (n: number) => batch(n, { gauges: { series: [0], at: [n], value: [1] } });
const fine = (n: number) => batch(n, { gauges: { series: [0], at: [n], value: [0] } });

test('a restart replays to the same state, and writes no fact twice', async () => {
  let rig = await rigWith();
  for (const [n, make] of [fine, lost, fine, lost].entries()) await rig.post(make(n + 1));
  await expect.poll(() => rig.pipeline.state().waiting).toBe(0);
  const before = { ...rig.engine.state(), forgiven: 0, ticks: 0 };
  const ids = rig.told.filter(isIncidentFact).map((fact) => fact.incident);
  expect(new Set(ids).size).toBe(2);
  rig = await restart(rig);
  expect({ ...rig.engine.state(), forgiven: 0, ticks: 0 }).toEqual(before);
  // The start without any settings had no engine yet.
  expect(rig.engine.state().forgiven).toBe(1);
  const stored = rig.db.facts.incidents({ state: 'all', limit: 10 });
  expect(stored.map((one) => one.state).sort()).toEqual(['open', 'resolved']);
  // The lanes stand where they stood: repeats are known, the next is wanted.
  expect((await rig.post(lost(9))).body).toMatchObject({ code: 'sequence-gap', expected: 5 });
  expect((await rig.post(fine(5))).status).toBe(200);
  await expect.poll(() => rig.db.facts.incidents({ state: 'open', limit: 10 }).length).toBe(0);
});

test('facts that were not committed before the crash are committed by the replay, once', async () => {
  let isBroken = false;
  let rig = await rigWith({
    wrapStore: (store) => ({
      ...store,
      commit: (...args) => {
        if (isBroken) throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
        store.commit(...args);
      },
    }),
  });
  await rig.post(fine(1));
  isBroken = true;
  expect((await rig.post(lost(2))).status).toBe(200);
  await expect.poll(() => rig.pipeline.state().stalledBy).toMatch('disk is full');
  expect(rig.db.facts.incidents({ state: 'all', limit: 9 })).toEqual([]);
  rig = await restart(rig);
  expect(rig.db.facts.incidents({ state: 'all', limit: 9 })).toHaveLength(1);
  rig = await restart(rig);
  expect(rig.db.facts.incidents({ state: 'all', limit: 9 })).toHaveLength(1);
});

test('while facts cannot be committed intake says 503, and goes on where it stood', async () => {
  let isBroken = false;
  const rig = await rigWith({
    wrapStore: (store) => ({
      ...store,
      commit: (...args) => {
        if (isBroken) throw new Error('database or disk is full');
        store.commit(...args);
      },
    }),
  });
  await rig.post(fine(1));
  isBroken = true;
  await rig.post(lost(2));
  await expect.poll(() => rig.pipeline.state().stalledBy).toBeDefined();
  const answer = await rig.post(fine(3));
  expect(answer.body).toMatchObject({ code: 'busy', status: 503 });
  expect(answer.headers['retry-after']).toBe('5');
  expect(rig.said.filter((one) => one.level === 'error')).toHaveLength(1);
  isBroken = false;
  await expect.poll(() => rig.pipeline.state().stalledBy, { timeout: 4000 }).toBeUndefined();
  expect(rig.db.facts.incidents({ state: 'open', limit: 9 })).toHaveLength(1);
  expect((await rig.post(fine(3))).body['acknowledged']).toEqual({ live: 3, backfill: 0 });
});

test('what the log refuses is undone: the same batches are taken when it works again', async () => {
  let isBroken = false;
  const wrapLog = (log: InputLog): InputLog => ({
    ...log,
    get next() {
      return log.next;
    },
    append: (draft) => (isBroken ? Promise.reject(new Error('ENOSPC')) : log.append(draft)),
  });
  const rig = await rigWith({ wrapLog });
  await rig.post(batch(1));
  isBroken = true;
  const bodies = [2, 3, 4].map((n) => batch(n));
  const refused = await Promise.all(bodies.map((body) => rig.post(body)));
  for (const { body } of refused) expect(body).toMatchObject({ code: 'busy', status: 503 });
  isBroken = false;
  await expect.poll(() => rig.pipeline.state().stalledBy, { timeout: 4000 }).toBeUndefined();
  const taken = await Promise.all(bodies.map((body) => rig.post(body)));
  expect(taken.map((answer) => answer.status)).toEqual([200, 200, 200]);
  // Taken is durable; judged in one of the next turns.
  await expect.poll(() => rig.engine.state().samples).toBe(8);
});

test('a snapshot shortens the replay; a damaged or foreign one is passed over', async () => {
  let rig = await rigWith({ snapshot: { every: durationMs(1) } });
  const folder = join(rig.folder, 'snapshots');
  const post = async (from: number, to: number) => {
    for (let n = from; n <= to; n++) await rig.post(n % 2 === 0 ? lost(n) : fine(n));
  };
  await post(1, 15);
  await expect.poll(async () => (await readdir(folder).catch(() => [])).length).not.toBe(0);
  // When the next one is due depends on what the last one took; a server that stops always writes one.
  await post(16, 20);
  await rig.pipeline.stop();
  rig = await restart(rig);
  await post(21, 30);
  await expect.poll(() => rig.pipeline.state().waiting).toBe(0);
  const before = { ...rig.engine.state(), forgiven: 0, ticks: 0 };
  await rig.pipeline.stop();
  rig = await restart(rig);
  expect({ ...rig.engine.state(), forgiven: 0, ticks: 0 }).toEqual(before);
  expect((await rig.post(fine(31))).status).toBe(200);

  const [older, newer] = (await readdir(folder)).sort();
  await writeFile(join(folder, newer!), 'not a snapshot');
  rig = await restart(rig);
  expect(rig.engine.state().samples).toBe(before.samples + 1);
  await rm(join(folder, older!));
  rig = await restart(rig);
  expect(rig.engine.state().samples).toBe(before.samples + 1);
  expect(rig.db.facts.incidents({ state: 'all', limit: 99 })).toHaveLength(15);
});

test('a database that is ahead of the log is refused instead of making incidents anew', async () => {
  const rig = await rigWith();
  await rig.post(lost(1));
  await expect.poll(() => rig.db.facts.incidents({ state: 'open', limit: 9 }).length).toBe(1);
  await rig.drop();
  await rm(join(rig.folder, 'log'), { recursive: true });
  await expect(startRig({ folder: rig.folder })).rejects.toThrow(/do not belong together/);
});

test('ticks come once for every whole second, before later inputs, and not for time away', async () => {
  let wall = 1_700_000_000_500;
  let monotonic = 0;
  const pass = (ms: number) => {
    wall += ms;
    monotonic += ms;
  };
  const rig = await rigWith({ wall: () => wall, monotonic: () => monotonic });
  const at = { at: 1_700_000_000_000 };
  await rig.post(batch(1, at));
  pass(600);
  await rig.post(batch(2, at));
  pass(100);
  await rig.post(batch(3, at));
  pass(60_000);
  await rig.post(batch(4, at));
  const kinds = (await rig.records()).map((r) => `${r.kind} ${r.now - 1_700_000_000_000}`);
  expect(kinds.filter((k) => !k.startsWith('config'))).toEqual([
    'command 500',
    'batch 500',
    'tick 1000',
    'batch 1100',
    'batch 1200',
    'command 61000',
    'tick 61000',
    'batch 61200',
  ]);
});

test('a command is applied, refused by the engine, or not taken while the server stops', async () => {
  const rig = await rigWith();
  await rig.post(lost(1));
  await expect.poll(() => rig.told.length).toBe(1);
  const [fact] = rig.told.filter(isIncidentFact);
  const until = epochMs(Date.now() + 1000);
  const acknowledge = { kind: 'acknowledge', incident: fact!.incident, by: 'Ada', until } as const;
  expect(await rig.pipeline.command(acknowledge)).toEqual({ kind: 'applied' });
  expect(rig.db.facts.incident(fact!.incident)?.state).toBe('acknowledged');
  const unknown = { ...acknowledge, incident: 'nothing' };
  expect(await rig.pipeline.command(unknown)).toMatchObject({ kind: 'refused' });
  await rig.pipeline.stop();
  expect(await rig.pipeline.command(acknowledge)).toMatchObject({ kind: 'busy' });
  expect((await rig.post(fine(2))).body).toMatchObject({ code: 'draining', status: 503 });
});

test('too much in flight is refused as busy, and nothing of it is lost', async () => {
  const rig = await rigWith({ maxInputs: 5 });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => rig.post(batch(i + 1))));
  const busy = answers.filter((one) => one.status === 503);
  expect(busy.length).toBeGreaterThan(0);
  const taken = answers.filter((one) => one.status === 200).length;
  await expect.poll(() => rig.engine.state().samples).toBe(taken * 2);
  expect((await rig.post(batch(taken + 1))).status).toBe(200);
});

test('whatever is sent, dropped and sent again, every taken batch is in the log exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ sequence: fc.integer({ min: 1, max: 6 }), restart: fc.boolean() }), {
        maxLength: 10,
      }),
      async (steps) => {
        let rig = await rigWith({ snapshot: { every: durationMs(1) } });
        const at = Date.now() - 5000;
        for (const step of steps) {
          if (step.restart) rig = await restart(rig, { snapshot: { every: durationMs(1) } });
          await rig.post(batch(step.sequence, { at }));
        }
        const taken = (await rig.records()).filter((record) => record.kind === 'batch');
        const sequences = taken.map((record) => JSON.parse(record.body.toString()).sequence);
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
        await expect.poll(() => rig.engine.state().samples).toBe(taken.length * 2);
        await rig.close();
        open.splice(open.indexOf(rig), 1);
      },
    ),
    { numRuns: 12 },
  );
}, 30_000);

test('a clock that is set back goes on at half speed until the machine has caught up', () => {
  let wall = 10_000;
  let monotonic = 0;
  const clock = createRecordClock(
    () => wall,
    () => monotonic,
    epochMs(0),
  );
  const pass = (ms: number) => {
    wall += ms;
    monotonic += ms;
    return clock.now();
  };
  expect(pass(1000)).toBe(11_000);
  wall -= 4000;
  expect(pass(1000)).toBe(11_500);
  expect(clock.ahead()).toBe(3500);
  expect(pass(6000)).toBe(14_500);
  expect(pass(2000)).toBe(16_000);
  wall += 60_000;
  expect(pass(0)).toBe(76_000);
});

test('skew is the smallest difference seen; a clock that was set is believed after three', () => {
  const state: number[] = [];
  for (const delay of [40, 900, 35, 5000, 60]) measure(state, -120_000 + delay);
  expect(correctionOf(state)).toBe(-119_965);
  for (const delay of [20, 30, 25]) measure(state, delay);
  expect(correctionOf(state)).toBe(0);
  const wild: number[] = [];
  measure(wild, 3_600_000);
  expect(correctionOf(wild)).toBe(0);
});
