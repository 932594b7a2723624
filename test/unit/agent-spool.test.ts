import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type FileSpoolOptions,
  openFileSpool,
} from '../../agent/adapters/file-spool/file-spool.ts';
import { scanFrames, writeFrame } from '../../agent/adapters/file-spool/frame.ts';
import type { BatchPlace, EncodedBatch, Spool } from '../../agent/ports/spool.ts';
import { epochMs } from '../../protocol/model/units.ts';

const warnings: string[] = [];
const log = {
  debug() {},
  info() {},
  warn: (_: object, text: string) => void warnings.push(text),
  error() {},
};
let folder: string;
let open: Spool[];
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-spool-'));
  open = [];
  now = 1_000_000;
  warnings.length = 0;
});
afterEach(async () => {
  for (const spool of open) await spool.close();
  rmSync(folder, { recursive: true, force: true });
});

function openSpool(options: Partial<FileSpoolOptions> = {}): Spool {
  const spool = openFileSpool({ folder, log, now: () => now, ...options });
  open.push(spool);
  return spool;
}
async function closeSpool(spool: Spool): Promise<void> {
  open = open.filter((other) => other !== spool);
  await spool.close();
}
const batch =
  (text: string, extra: Partial<EncodedBatch> = {}) =>
  (place: BatchPlace): EncodedBatch => ({
    body: Buffer.from(`${place.sequence}:${text}`),
    samples: 10,
    at: epochMs(now),
    entries: [],
    ...extra,
  });
const text = async (spool: Spool, lane: 'live' | 'backfill' = 'live') => {
  const head = await spool.peek(lane);
  return head === undefined ? undefined : Buffer.from(head.body).toString();
};
const acknowledge = (spool: Spool, sequence: number) =>
  spool.acknowledge({ spool: spool.id(), lane: 'live', sequence });
const segments = () =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.seg'));
const segment = (part: string) =>
  join(folder, segments().find((name) => name.includes(part)) as string);

describe('a spool', () => {
  test('gives batches back in order, per lane, until they are acknowledged', async () => {
    const spool = openSpool();
    await Promise.all([
      spool.append('live', batch('a')),
      spool.append('live', batch('b')),
      spool.append('backfill', batch('c')),
    ]);
    expect(await text(spool)).toBe('1:a');
    expect(await text(spool)).toBe('1:a');
    await acknowledge(spool, 1);
    expect(await text(spool)).toBe('2:b');
    expect(await text(spool, 'backfill')).toBe('1:c');
    expect(spool.figures()).toMatchObject({ samples: 20, dropped: 0 });
    await acknowledge(spool, 99);
    expect(await text(spool)).toBeUndefined();
  });

  test('continues after a restart where it was, with the same id, sequences and dictionary', async () => {
    const first = openSpool();
    const entries = [{ index: 0, metric: 'icmp_rtt_ms', subject: 'device:r1' }];
    await first.append('live', batch('a', { entries }));
    await first.append('live', batch('b'));
    await acknowledge(first, 2);
    const id = first.id();
    await closeSpool(first);
    const second = openSpool();
    expect(second.id()).toBe(id);
    expect(second.dictionary()).toEqual(entries);
    await second.append('live', batch('c'));
    await acknowledge(second, 2);
    expect(await text(second)).toBe('3:c');
  });

  test('keeps counting when everything was acknowledged and its segments are gone', async () => {
    const spool = openSpool({ maxBytes: 16 * 100 });
    for (let i = 0; i < 40; i++) await spool.append('live', batch('x'.repeat(50)));
    await acknowledge(spool, 40);
    expect(segments().filter((name) => name.includes('live'))).toHaveLength(1);
    await closeSpool(spool);
    const again = openSpool({ maxBytes: 16 * 100 });
    await acknowledge(again, 40);
    await again.append('live', batch('next'));
    expect(await text(again)).toBe('41:next');
  });

  test('refuses a second agent in the same folder and takes it after the first has ended', async () => {
    const spool = openSpool();
    expect(() => openSpool()).toThrow(/another agent/);
    await closeSpool(spool);
    openSpool();
  });

  test('drops the oldest segments first when it is full, and counts their samples', async () => {
    const spool = openSpool({ maxBytes: 16_000 });
    for (let i = 0; i < 100; i++) await spool.append('backfill', batch('x'.repeat(500)));
    const { samples, bytes, dropped } = spool.figures();
    expect(bytes).toBeLessThanOrEqual(16_000);
    expect(samples + dropped).toBe(1000);
    expect(dropped).toBeGreaterThan(600);
    expect((await spool.peek('backfill'))?.sequence).toBe(dropped / 10 + 1);
    expect(warnings).toContain('samples dropped from the spool');
  });

  test('drops what is older than the limit', async () => {
    const spool = openSpool({ maxAgeMs: 3_600_000 });
    await spool.append('backfill', batch('old'));
    now += 3_700_000;
    await spool.append('backfill', batch('new'));
    expect(await text(spool, 'backfill')).toBe('2:new');
    expect(spool.figures().dropped).toBe(10);
  });

  test('sets a refused batch aside with its reason and goes on', async () => {
    const spool = openSpool();
    await spool.append('live', batch('bad'));
    await spool.append('live', batch('good'));
    await spool.refuse(
      { spool: spool.id(), lane: 'live', sequence: 1 },
      'unknown-metric: no such thing',
    );
    expect(await text(spool)).toBe('2:good');
    expect(spool.figures().dropped).toBe(10);
    const kept = readdirSync(join(folder, 'refused'));
    expect(kept).toHaveLength(2);
    const reason = kept.find((name) => name.endsWith('.txt')) as string;
    expect(readFileSync(join(folder, 'refused', reason), 'utf8')).toContain('unknown-metric');
  });

  test('writes unacknowledged batches again under a new id when it is renewed', async () => {
    const spool = openSpool();
    const before = spool.id();
    await spool.append('live', batch('a'));
    await spool.append('live', batch('b'));
    await spool.append('live', batch('c'));
    await acknowledge(spool, 1);
    await spool.renew((old, place) =>
      Buffer.from(old.body).toString().endsWith('b')
        ? undefined
        : {
            body: Buffer.from(`${place.spool}/${place.sequence}`),
            samples: old.samples,
            at: old.at,
            entries: [{ index: 0, metric: 'icmp_rtt_ms', subject: 'device:r1' }],
          },
    );
    expect(spool.id()).not.toBe(before);
    expect(await text(spool)).toBe(`${spool.id()}/1`);
    expect(spool.figures()).toMatchObject({ samples: 10, dropped: 10 });
    expect(spool.dictionary()).toHaveLength(1);
    const id = spool.id();
    await closeSpool(spool);
    const again = openSpool();
    expect(again.id()).toBe(id);
    expect(readdirSync(folder)).not.toContain(before);
  });

  test('a renewal that was cut off leaves the old spool whole', async () => {
    const spool = openSpool();
    await spool.append('live', batch('a'));
    await spool.append('live', batch('b'));
    const id = spool.id();
    await expect(
      spool.renew(() => {
        throw new RangeError('cut off');
      }),
    ).rejects.toThrow('cut off');
    expect(spool.id()).toBe(id);
    expect(await text(spool)).toBe('1:a');
    await closeSpool(spool);
    expect(await text(openSpool())).toBe('1:a');
  });

  test('cuts a torn tail, goes on with the same sequence and says so', async () => {
    const spool = openSpool();
    await spool.append('live', batch('a'));
    await closeSpool(spool);
    const torn = writeFrame({ sequence: 2, samples: 5, at: 1 }, Buffer.from('lost')).subarray(
      0,
      33,
    );
    appendFileSync(segment('live'), torn);
    const again = openSpool();
    expect(warnings).toContain('the end of the spool was torn and is cut off');
    await again.append('live', batch('b'));
    await acknowledge(again, 1);
    expect(await text(again)).toBe('2:b');
  });

  test('skips a damaged batch in the middle', async () => {
    const spool = openSpool();
    for (const name of ['a', 'b', 'c']) await spool.append('live', batch(name.repeat(20)));
    await closeSpool(spool);
    const bytes = readFileSync(segment('live'));
    bytes[bytes.indexOf('bbb')] = 0;
    writeFileSync(segment('live'), bytes);
    const again = openSpool();
    expect(warnings).toContain('damaged batches in the spool are skipped');
    await acknowledge(again, 1);
    expect((await again.peek('live'))?.sequence).toBe(3);
  });

  test('asks for a renewal when its dictionary is damaged or gone', async () => {
    const spool = openSpool();
    const entry = { index: 0, metric: 'icmp_rtt_ms', subject: 'device:r1' };
    await spool.append('live', batch('a', { entries: [entry] }));
    await spool.append('live', batch('b', { entries: [{ ...entry, index: 1 }] }));
    expect(spool.needsRenewal).toBe(false);
    const path = join(folder, spool.id(), 'dictionary');
    await closeSpool(spool);
    const bytes = readFileSync(path);
    bytes[40] = 0;
    writeFileSync(path, bytes);
    const damaged = openSpool();
    expect(damaged.needsRenewal).toBe(true);
    expect(damaged.dictionary()).toHaveLength(1);
    await closeSpool(damaged);
    rmSync(path);
    expect(openSpool().needsRenewal).toBe(true);
  });

  test('an error while a batch is made reaches its caller and harms no other', async () => {
    const spool = openSpool();
    const bad = spool.append('live', () => {
      throw new Error('no such series');
    });
    const good = spool.append('live', batch('good'));
    await expect(bad).rejects.toThrow('no such series');
    expect(await good).toBe(true);
    expect(await text(spool)).toBe('1:good');
  });
});

describe('the frames of a segment', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 });
  const write = (list: Uint8Array[]) =>
    Buffer.concat(list.map((p, i) => writeFrame({ sequence: i + 1, samples: i, at: i }, p)));

  test('cut anywhere, they are a prefix of whole records', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (list, where) => {
        const bytes = write(list);
        const cut = bytes.subarray(0, where % (bytes.length + 1));
        const scan = scanFrames(cut);
        expect(scan.frames.map((frame) => frame.sequence)).toEqual(
          scan.frames.map((_, index) => index + 1),
        );
        expect(scan.damaged).toBe(0);
        expect(scan.end).toBeLessThanOrEqual(cut.length);
        expect(cut.length - scan.end).toBeLessThan(232);
      }),
    );
  });

  test('with any one byte changed, no record is ever read wrongly and at most one is lost', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, where, flip) => {
        const bytes = write(list);
        if (bytes.length === 0) return;
        const at = where % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        const { frames } = scanFrames(bytes);
        expect(frames.length).toBeGreaterThanOrEqual(list.length - 1);
        for (const frame of frames) {
          const payload = bytes.subarray(frame.offset + 32, frame.offset + 32 + frame.length);
          expect(Buffer.from(payload)).toEqual(Buffer.from(list[frame.sequence - 1] as Uint8Array));
        }
      }),
    );
  });

  test('random bytes are no records and no crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(scanFrames(Buffer.from(bytes)).frames).toEqual([]);
      }),
    );
  });
});
