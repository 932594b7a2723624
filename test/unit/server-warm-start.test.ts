import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Fact } from '../../protocol/model/fact.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import { openFileLog } from '../../server/adapters/file-log/file-log.ts';
import { createSnapshotFiles } from '../../server/adapters/file-log/snapshot-files.ts';
import { openHistoryStore } from '../../server/adapters/sqlite/history-store.ts';
import { createHistory, type RunningHistory } from '../../server/history/history.ts';
import { createSealer, type Sealer } from '../../server/history/sealing.ts';
import type { HistoryStore } from '../../server/ports/history.ts';
import { readStoredHistory } from '../../server/stored-history.ts';
import { settings } from '../support/detection.ts';
import { batch, DICTIONARY, LINK, type RigOptions, startRig } from '../support/server-rig.ts';

const EVERY = 60_000;
const T0 = Math.floor(Date.now() / EVERY) * EVERY - 86_400_000;
/** Six hours of what is usual, one and a half that are not. */
const CALM = 360;
const ALL = CALM + 90;
const KILLED_AT = CALM - 30;
/** More than one seal long. */
const ROUNDS = 330;
const DAY = durationMs(86_400_000);

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Round trips of a link that gets slower; no two are equal. */
/** Rounds that no snapshot holds when the server is killed for the last time. */
const TAIL = 5;
const rtt = (n: number) => ((n < CALM ? 20_000 : 35_000) + ((n * 7919) % 1000)) / 1000;

/** Virtual time for a server: a round is posted at its end. */
async function startAt(round: number, options: RigOptions & { folder?: string } = {}) {
  let now = T0 + round * EVERY;
  const rig = await startRig({
    wall: () => now,
    // Time passes only by rounds.
    monotonic: () => 0,
    settings: SETTINGS,
    createEngine,
    rateLimit: { perSecond: 1e9, burst: 1e9 },
    ...options,
  });
  const feed = async (from: number, to: number, sequenceBefore = 0) => {
    for (let n = from; n < to; n++) {
      now = T0 + (n + 1) * EVERY;
      const gauges = { series: [0, 1], at: [0, 3], value: [0, rtt(n)] };
      const sequence = n + 1 - sequenceBefore;
      const dictionary = DICTIONARY.map((entry) => ({ ...entry, every: EVERY }));
      const { status, body } = await rig.post(
        batch(sequence, {
          at: T0 + n * EVERY,
          gauges,
          dictionary: sequence === 1 ? dictionary : [],
        }),
      );
      expect(status, JSON.stringify(body)).toBe(200);
    }
    await expect.poll(() => rig.pipeline.state().waiting).toBe(0);
  };
  return { rig, feed };
}

const base = settings();
const agents = [{ id: 'agent-1', site: 'lyon' }];
const SETTINGS = { ...base, inventory: { ...base.inventory, agents } };

/** Without the names of incidents: those hold the position in the log, and a start is a record. */
const told = (facts: readonly Fact[]) =>
  facts
    .filter(({ kind }) => kind.startsWith('alert.') || kind.startsWith('incident.'))
    .map((fact) => JSON.stringify(fact).replaceAll(/inc-[\w-]+/g, 'inc'));

test('facts are the same with and without a kill in the middle, where a baseline decides', async () => {
  const whole = await startAt(0);
  open.push(whole.rig);
  await whole.feed(0, ALL);
  const before = await startAt(0, { snapshot: { every: durationMs(100) } });
  await before.feed(0, KILLED_AT - TAIL);
  const { folder } = before.rig;
  await before.rig.drop();
  // The last rounds are in the log only, whenever the last snapshot fell.
  const between = await startAt(KILLED_AT - TAIL, { folder });
  await between.feed(KILLED_AT - TAIL, KILLED_AT);
  await between.rig.drop();
  const [snapshot] = await createSnapshotFiles({ folder: join(folder, 'snapshots') }).load();
  const after = await startAt(KILLED_AT, { folder });
  open.push(after.rig);
  const { position } = (await after.rig.records()).at(-1)!;
  // A snapshot and the log behind it: both are needed.
  expect(snapshot?.position).toBeGreaterThan(1);
  expect(snapshot?.position).toBeLessThan(position - TAIL);
  await after.feed(KILLED_AT, ALL);
  expect(told(whole.rig.told).join()).toContain('link-latency-shift');
  const all = [before, between, after].flatMap(({ rig }) => rig.told);
  expect(told(all)).toEqual(told(whole.rig.told));

  // One that knows nothing of the six hours says nothing.
  const cold = await startAt(KILLED_AT);
  open.push(cold.rig);
  await cold.feed(KILLED_AT, ALL, KILLED_AT);
  expect(told(cold.rig.told).join()).not.toContain('link-latency-shift');
}, 60_000);

/** A history over a file in the folder of a server; `die` is what a kill does to it. */
function historyIn(path: string): { history: RunningHistory; store: HistoryStore; die(): void } {
  const writer = openHistoryStore(path);
  const store = openHistoryStore(path, true);
  const working = createSealer(writer);
  let isDead = false;
  const sealer: Sealer = {
    ...working,
    seal: (job) => (isDead ? new Promise(() => {}) : working.seal(job)),
    stop: async () => {},
  };
  const quiet = { info() {}, warn() {}, error() {} };
  const rawFor = durationMs(14 * DAY);
  const options = { store, sealer, log: quiet, now: Date.now, rawFor, rollupFor: rawFor };
  const history = createHistory(options);
  return {
    history,
    store,
    die() {
      isDead = true;
      void history.stop();
      writer.close();
      store.close();
    },
  };
}

test.each([
  { because: 'killed after a seal, before any snapshot', kills: [200], every: 1e9 },
  { because: 'killed after a snapshot, with everything unsealed', kills: [100], every: 1 },
  { because: 'killed again and again', kills: [60, 158, 159, 300, 301], every: 20 },
])(
  'the history has every sample once, $because',
  async ({ kills, every }) => {
    const snapshot = { every: durationMs(every) };
    let folder: string | undefined;
    let from = 0;
    let end: Awaited<ReturnType<typeof startAt>> | undefined;
    let kept: ReturnType<typeof historyIn> | undefined;
    const path = join(await startFolder(), 'history.db');
    for (const until of [...kills, ROUNDS]) {
      kept = historyIn(path);
      end = await startAt(from, { ...(folder && { folder }), history: kept.history, snapshot });
      folder = end.rig.folder;
      await end.feed(from, until);
      from = until;
      if (until === ROUNDS) break;
      await end.rig.drop();
      kept.die();
    }
    const key = `agent-1|icmp_rtt_ms|${LINK}` as const;
    const { history, store } = kept!;
    const expected = Array.from({ length: ROUNDS }, (_, n) => rtt(n));
    const all = () => history.samples(key, epochMs(0), epochMs(T0 + 9 * DAY))!;
    expect([...all().value]).toEqual(expected);
    await history.sealAll();
    expect([...all().value]).toEqual(expected);
    expect([...all().at]).toEqual(expected.map((_, n) => T0 + n * EVERY + 3));
    expect(store.usage().chunkSamples).toBe(2 * ROUNDS);
    await end!.rig.close();
    kept!.die();
  },
  60_000,
);

test('who reads beside a server without a snapshot finds the newest samples too', async () => {
  const path = join(await startFolder(), 'history.db');
  const kept = historyIn(path);
  const never = { every: durationMs(1e9) };
  const { rig, feed } = await startAt(0, { history: kept.history, snapshot: never });
  open.push(rig);
  await feed(0, ROUNDS);
  await kept.history.settled();
  expect(kept.history.sealedPosition()).toBeGreaterThan(100);
  const store = openHistoryStore(path, true);
  // The dictionary was told in the first batch, which is sealed.
  const log = await openFileLog({ folder: join(rig.folder, 'log'), isReadOnly: true });
  const beside = await readStoredHistory({ store, log, snapshot: undefined });
  const key = `agent-1|icmp_rtt_ms|${LINK}` as const;
  const { value } = beside.samples(key, epochMs(0), epochMs(T0 + 9 * DAY))!;
  expect([...value]).toEqual(Array.from({ length: ROUNDS }, (_, n) => rtt(n)));
  await log.close();
  store.close();
  kept.die();
});

async function startFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-warm-'));
  open.push({ close: () => rm(folder, { recursive: true, force: true }) });
  return folder;
}
