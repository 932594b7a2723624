import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import type { Core } from '../../server/pipeline/core.ts';
import { addEntries } from '../../server/pipeline/dictionary.ts';
import { inPieces, jsonText } from '../../server/pipeline/json-pieces.ts';
import { createSenders, emptySpool } from '../../server/pipeline/senders.ts';
import { createSnapshotter } from '../../server/pipeline/snapshotter.ts';
import type { NewSnapshot } from '../../server/ports/snapshot-store.ts';

test('JSON in pieces is the JSON', () => {
  const plain = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 12 },
      fc.jsonValue(),
      fc.constant(undefined),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(plain, (value) => {
      expect([...inPieces(jsonText({ value }))].join('')).toBe(JSON.stringify({ value }));
    }),
    { numRuns: 500 },
  );
});

test('no piece is large where the value is a list of small things', () => {
  const watched = Array.from({ length: 20_000 }, (_, n) => ({ subject: `link:l${n}`, times: [n] }));
  const snapshot = { core: { engine: { sites: [['site:hub', { registry: { watched } }]] } } };
  const sizes = [...inPieces(jsonText(snapshot))].map((piece) => piece.length);
  expect(sizes.length).toBeGreaterThan(10);
  expect(Math.max(...sizes)).toBeLessThan(100_000);
});

test('what is told of senders is what was when it began, and comes back as it was', () => {
  const senders = createSenders();
  const spool = emptySpool('00000000000000aa', epochMs(5));
  senders.addSpool('agent-1', spool);
  senders.sender('agent-1').skew.push(5);
  addEntries(spool.table, 'agent-1', [
    { index: 0, metric: 'icmp_rtt_ms', subject: 'link:l1' },
    { index: 2, metric: 'if_in_octets_total', subject: 'interface:r/1', bits: 64, every: 30_000 },
  ]);
  spool.live.last = 3;
  const before = [...senders.snapshotText()].join('');
  const text = senders.snapshotText();
  spool.live.last = 9;
  spool.live.hashes.push('x');
  senders.sender('agent-1').skew.push(7);
  addEntries(spool.table, 'agent-1', [{ index: 1, metric: 'icmp_rtt_ms', subject: 'link:l2' }]);
  expect([...text].join('')).toBe(before);
  const again = createSenders(JSON.parse(before));
  expect([...again.snapshotText()].join('')).toBe(before);
  expect(again.spool('agent-1', spool.id)).toMatchObject({ lastUsedAt: 5, live: { last: 3 } });
  expect(again.spool('agent-1', spool.id)?.table[2]).toMatchObject({ bits: 64, every: 30_000 });
});

/** A snapshotter of an engine that changes what it lent as soon as it may. */
function rigWith(every: number) {
  const state = { list: Array.from({ length: 50_000 }, (_, n) => ({ n })) };
  const saved: NewSnapshot[] = [];
  let isHeld = false;
  let worked = 0;
  const snapshotter = createSnapshotter(
    {
      log: { prune: async () => {} } as never,
      snapshots: {
        async save(one) {
          saved.push(one);
          return 0;
        },
        load: async () => [],
      },
      logger: { info() {}, warn() {}, error() {} },
      hold() {
        isHeld = true;
        return () => {
          isHeld = false;
        };
      },
      worked: () => worked,
    },
    { snapshotText: () => jsonText({ engine: state }) } as unknown as Core,
    { position: 0, marks: [] } as never,
    epochMs(0),
    { every: every as never },
  );
  return {
    snapshotter,
    saved,
    isHeld: () => isHeld,
    work(ms: number) {
      worked += ms;
    },
    change() {
      for (const one of state.list) one.n = -1;
    },
  };
}

test('while a snapshot is written nothing is judged, and the event loop turns', async () => {
  const { snapshotter, saved, isHeld, change } = rigWith(0);
  let turns = 0;
  snapshotter.idle(1, epochMs(1000));
  expect(isHeld()).toBe(true);
  while (isHeld()) {
    turns++;
    await new Promise(setImmediate);
  }
  change();
  await expect.poll(() => saved.length).toBe(1);
  expect(turns).toBeGreaterThan(5);
  const { core } = JSON.parse(Buffer.concat(saved[0]!.json).toString());
  expect(core.engine.list.at(-1)).toEqual({ n: 49_999 });
});

test('a snapshot is taken when much would have to be judged again, not by the clock', async () => {
  const { snapshotter, saved, work } = rigWith(1e9);
  snapshotter.idle(1, epochMs(1000));
  work(1000);
  snapshotter.idle(2, epochMs(2000));
  await snapshotter.gate(true);
  expect(saved).toEqual([]);
  work(1500);
  snapshotter.idle(3, epochMs(3000));
  await expect.poll(() => saved.length).toBe(1);
  work(500);
  snapshotter.idle(4, epochMs(4000));
  await snapshotter.stop(4, epochMs(4000));
  // Only the last one, at the end.
  expect(saved.map(({ position }) => position)).toEqual([3, 4]);
});
