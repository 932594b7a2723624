import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { openFileLog } from '../../server/adapters/file-log/file-log.ts';
import { InputLogDamaged } from '../../server/adapters/file-log/segment.ts';
import { createSnapshotFiles } from '../../server/adapters/file-log/snapshot-files.ts';
import { encodeHead, readFrame } from '../../server/input-log/record-codec.ts';
import type { InputLog, InputRecord } from '../../server/ports/input-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const draft = (text: string, now = 1): Omit<InputRecord, 'position'> => ({
  now: epochMs(now),
  kind: 'batch',
  from: 'agent-1',
  body: Buffer.from(text),
});

async function all(log: InputLog, from = 1): Promise<InputRecord[]> {
  const records: InputRecord[] = [];
  for await (const record of log.read(from)) records.push(record);
  return records;
}

const arbitraryDraft = fc.record({
  now: fc.nat().map((n) => epochMs(n)),
  kind: fc.constantFrom('batch', 'heartbeat', 'dictionary', 'tick', 'command', 'config'),
  from: fc.string({ maxLength: 40 }).filter((s) => s.isWellFormed()),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

test('every record reads back exactly as it was appended, across segments and reopening', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryDraft, { minLength: 1, maxLength: 30 }), async (drafts) => {
      const own = await mkdtemp(join(folder, 'run-'));
      const log = await openFileLog({ folder: own, segmentBytes: 500 });
      const half = drafts.length >> 1;
      await Promise.all(drafts.slice(0, half).map((one) => log.append(one)));
      for (const one of drafts.slice(half)) await log.append(one);
      const wanted = drafts.map((one, index) => ({ ...one, position: index + 1 }));
      expect(await all(log)).toEqual(wanted);
      await log.close();
      const again = await openFileLog({ folder: own });
      expect(again.next).toBe(drafts.length + 1);
      expect(await all(again)).toEqual(wanted);
      expect(await all(again, half + 1)).toEqual(wanted.slice(half));
      await again.close();
    }),
    { numRuns: 25 },
  );
});

test('a log cut anywhere opens as a prefix, and goes on from there', async () => {
  const log = await openFileLog({ folder });
  for (let i = 0; i < 6; i++) await log.append(draft(`record ${i} ${'x'.repeat(i * 7)}`));
  await log.close();
  const [name] = await readdir(folder);
  const whole = await readFile(join(folder, name!));
  for (let length = 0; length < whole.length; length += 3) {
    await writeFile(join(folder, name!), whole.subarray(0, length));
    const torn: number[] = [];
    const cut = await openFileLog({ folder, onTorn: (_file, bytes) => torn.push(bytes) });
    const before = await all(cut);
    expect(before.map((r) => r.body.toString().slice(0, 8))).toEqual(
      before.map((_, i) => `record ${i}`),
    );
    const added = await cut.append(draft('after the crash'));
    expect(added.position).toBe(before.length + 1);
    expect((await all(cut)).length).toBe(before.length + 1);
    await cut.close();
  }
});

test('appends of one turn share a group, so damage in it is a torn tail and not a loss', async () => {
  const log = await openFileLog({ folder });
  await log.append(draft('promised'));
  await Promise.all(['a', 'b', 'c'].map((text) => log.append(draft(text.repeat(50)))));
  await log.close();
  const [name] = await readdir(folder);
  const bytes = await readFile(join(folder, name!));
  bytes[bytes.indexOf('aaaa') + 3]! ^= 0xff;
  await writeFile(join(folder, name!), bytes);
  const torn: number[] = [];
  const again = await openFileLog({ folder, onTorn: (_file, count) => torn.push(count) });
  expect((await all(again)).map((r) => r.body.toString())).toEqual(['promised']);
  expect(torn).toHaveLength(1);
  await again.close();
});

test('damage before a later commit is refused, with file, offset and what was lost', async () => {
  const log = await openFileLog({ folder });
  for (const text of ['one', 'two', 'three']) await log.append(draft(text.repeat(20)));
  await log.close();
  const [name] = await readdir(folder);
  const bytes = await readFile(join(folder, name!));
  bytes[bytes.indexOf('twotwo') + 1]! ^= 1;
  await writeFile(join(folder, name!), bytes);
  const error = await openFileLog({ folder }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(InputLogDamaged);
  expect(String(error)).toMatch(/log-0000000000000001\.vlog at byte \d+: .*lost: records 2 to 2/);
  expect((error as InputLogDamaged).offset).toBeGreaterThan(8);
});

test('damage in an older segment, or a missing one, is refused by the reader', async () => {
  const log = await openFileLog({ folder, segmentBytes: 200 });
  for (let i = 0; i < 9; i++) await log.append(draft('x'.repeat(100)));
  const names = (await readdir(folder)).sort();
  expect(names.length).toBeGreaterThan(3);
  const path = join(folder, names[1]!);
  const bytes = await readFile(path);
  bytes[90]! ^= 1;
  await writeFile(path, bytes);
  await expect(all(log)).rejects.toThrow(InputLogDamaged);
  await truncate(path, 100);
  await expect(all(log)).rejects.toThrow(/ends inside a record; lost: records from/);
  await log.close();
  await rm(path);
  const again = await openFileLog({ folder });
  await expect(all(again)).rejects.toThrow(/a segment is missing before this one; lost: records/);
  await again.close();
});

test('pruning deletes whole segments below the position, and only beyond the retention', async () => {
  const log = await openFileLog({ folder, segmentBytes: 200 });
  for (let i = 0; i < 10; i++) await log.append(draft('x'.repeat(100)));
  const before = (await readdir(folder)).length;
  await log.prune(1);
  expect((await readdir(folder)).length).toBe(before);
  await log.prune(6);
  const left = await all(log, 6);
  expect(left.map((r) => r.position)).toEqual([6, 7, 8, 9, 10]);
  expect((await readdir(folder)).length).toBeLessThan(before);
  await log.append(draft('still appends'));
  await log.close();

  const kept = { segmentBytes: 200, retainFor: durationMs(60_000) };
  const big = await openFileLog({ folder, ...kept, retainBytes: 1e9 });
  const count = (await readdir(folder)).length;
  await big.prune(11);
  expect((await readdir(folder)).length).toBe(count);
  await big.close();
  const small = await openFileLog({ folder, ...kept, retainBytes: 300 });
  await small.prune(11);
  expect((await readdir(folder)).length).toBeLessThan(count);
  await small.close();
});

test('a reader beside the writer changes nothing and sees what was durable', async () => {
  const log = await openFileLog({ folder });
  await log.append(draft('one'));
  const reader = await openFileLog({ folder, isReadOnly: true });
  await log.append(draft('two'));
  expect((await all(reader)).length).toBe(1);
  await expect(reader.append(draft('no'))).rejects.toThrow('closed');
  await reader.close();
  await log.close();
});

test('a frame of hostile bytes is never read as a record', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(readFrame(Buffer.from(bytes), 0).kind).not.toBe('frame');
    }),
  );
  const record: InputRecord = { ...draft('body'), position: 7, sentAt: epochMs(5), oldest: 3 };
  const frame = Buffer.concat([encodeHead(record, 7), record.body]);
  const reading = readFrame(frame, 0);
  expect(reading).toMatchObject({ kind: 'frame', group: 7, end: frame.length });
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const bent = Buffer.from(frame);
    bent[bit >> 3]! ^= 1 << (bit & 7);
    expect(readFrame(bent, 0).kind).not.toBe('frame');
  }
});

test('a snapshot that goes while the folder is read is no failure: a running server keeps two', async () => {
  const store = createSnapshotFiles({ folder });
  await store.save({ position: 3, json: [Buffer.from('{}')] });
  // Listed like a file, and gone when it is opened.
  await symlink(join(folder, 'nowhere'), join(folder, 'snapshot-0000000000000009.json'));
  expect(await store.load()).toEqual([{ position: 3, json: '{}' }]);
});

test('two snapshots are kept, a damaged one is left out', async () => {
  const unreadable: string[] = [];
  const store = createSnapshotFiles({ folder, onUnreadable: (file) => unreadable.push(file) });
  expect(await store.load()).toEqual([]);
  expect(await store.save({ position: 5, json: [Buffer.from('{"a":1}')] })).toBe(0);
  expect(await store.save({ position: 9, json: [Buffer.from('{"a":2}')] })).toBe(5);
  expect(await store.save({ position: 12, json: [Buffer.from('{"a":"ü"}')] })).toBe(9);
  expect(await store.load()).toEqual([
    { position: 12, json: '{"a":"ü"}' },
    { position: 9, json: '{"a":2}' },
  ]);
  const newest = (await readdir(folder)).sort().at(-1)!;
  const bytes = await readFile(join(folder, newest));
  bytes[bytes.length - 2]! ^= 1;
  await writeFile(join(folder, newest), bytes);
  expect((await store.load()).map((s) => s.position)).toEqual([9]);
  expect(unreadable).toEqual([newest]);
});
