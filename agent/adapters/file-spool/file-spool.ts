import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Lane } from '../../../protocol/model/sample.ts';
import { epochMs } from '../../../protocol/model/units.ts';
import type { Log } from '../../ports/log.ts';
import type { BatchPlace, EncodedBatch, Spool, SpooledBatch } from '../../ports/spool.ts';
import { makeFolder, replaceFile } from './folder.ts';
import type { Frame } from './frame.ts';
import { lockFolder } from './lock.ts';
import { keepRefused } from './refused-folder.ts';
import {
  bytesOf,
  closeSpoolFolder,
  LANES,
  noteAcknowledged,
  oldestLane,
  openSpoolFolder,
  type SpoolFolder,
  samplesOf,
} from './spool-folder.ts';

export interface FileSpoolOptions {
  /** The folder of the spool, `STATE/spool`; made if it is missing. */
  readonly folder: string;
  readonly log: Log;
  readonly now: () => number;
  /** Default 256 MiB. */
  readonly maxBytes?: number;
  /** Default 7 days. */
  readonly maxAgeMs?: number;
}

interface WaitingAppend {
  readonly lane: Lane;
  readonly make: (place: BatchPlace) => EncodedBatch;
  readonly resolve: (isDurable: boolean) => void;
  readonly reject: (cause: unknown) => void;
}

const ID = /^[0-9a-f]{16}$/;
const newId = (): string => randomBytes(8).toString('hex');

/**
 * Opens the spool in `folder`: `current` names the spool id, and the folder of that id holds its
 * segments and its dictionary; anything else with the form of an id is the rest of a renewal that
 * was cut off. Throws `SPOOL_LOCKED` when another agent works there.
 */
export function openFileSpool(options: FileSpoolOptions): Spool {
  const { folder: root, log, now } = options;
  const maxBytes = options.maxBytes ?? 256 * 1024 * 1024;
  const maxAge = options.maxAgeMs ?? 7 * 86_400_000;
  const files = {
    now,
    segmentBytes: Math.min(4 * 1024 * 1024, Math.ceil(maxBytes / 16)),
    segmentAge: Math.max(60_000, maxAge / 64),
  };
  makeFolder(root);
  const unlock = lockFolder(root);
  let folder = openSpoolFolder(root, currentId(root), files);
  const needsRenewal = isDictionaryUnsure(folder);
  let dropped = 0;
  let droppedUnsaid = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  let waiting: WaitingAppend[] = [];
  let tail: Promise<unknown> = Promise.resolve();
  reportOpening(folder, needsRenewal, log);

  /** One thing at a time, in the order of the calls. */
  function inOrder<T>(work: () => T | Promise<T>): Promise<T> {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  }

  function countDropped(samples: number, why: string): void {
    dropped += samples;
    droppedUnsaid += samples;
    if (droppedUnsaid === 0 || now() - saidAt < 30_000) return;
    log.warn({ samples: droppedUnsaid, total: dropped, why }, 'samples dropped from the spool');
    droppedUnsaid = 0;
    saidAt = now();
  }

  function dropOldest(why: string): boolean {
    const samples = oldestLane(folder)?.dropOldest();
    if (samples === undefined) return false;
    countDropped(samples, why);
    return true;
  }

  function makeRoom(wanted: number): void {
    while (bytesOf(folder) + wanted > maxBytes && dropOldest('the spool is full'));
    for (;;) {
      const at = oldestLane(folder)?.oldestAt();
      if (at === undefined || now() - at <= maxAge || !dropOldest('older than the limit')) return;
    }
  }

  /** Throws only when the disk refuses although nothing older is left to drop. */
  function write(lane: Lane, encoded: EncodedBatch): void {
    folder.dictionary.add(encoded.entries);
    for (;;) {
      try {
        folder.dictionary.flush();
        folder.lanes[lane].write(encoded, encoded.body);
        return;
      } catch (cause) {
        if (!dropOldest(`the disk refuses: ${(cause as Error).message}`)) throw cause;
      }
    }
  }

  async function writeWaiting(): Promise<void> {
    const group = waiting;
    waiting = [];
    const written: Array<{ append: WaitingAppend; samples: number }> = [];
    for (const append of group) {
      const { lane } = append;
      try {
        const sequence = folder.lanes[lane].nextSequence();
        const encoded = append.make({ spool: folder.id, lane, sequence });
        makeRoom(encoded.body.length);
        try {
          write(lane, encoded);
          written.push({ append, samples: encoded.samples });
        } catch (cause) {
          countDropped(encoded.samples, (cause as Error).message);
          append.resolve(false);
        }
      } catch (cause) {
        append.reject(cause);
      }
    }
    for (const lane of LANES)
      await settle(
        lane,
        written.filter((one) => one.append.lane === lane),
      );
  }

  async function settle(
    lane: Lane,
    written: ReadonlyArray<{ append: WaitingAppend; samples: number }>,
  ): Promise<void> {
    if (written.length === 0) return;
    try {
      await folder.lanes[lane].sync();
      for (const { append } of written) append.resolve(true);
    } catch (cause) {
      const samples = written.reduce((sum, one) => sum + one.samples, 0);
      countDropped(samples, `the disk refuses: ${(cause as Error).message}`);
      for (const { append } of written) append.resolve(false);
    }
  }

  function head(lane: Lane): SpooledBatch | undefined {
    const record = folder.lanes[lane].peek();
    return record === undefined ? undefined : asBatch(folder.id, lane, record);
  }

  async function rewrite(
    fresh: SpoolFolder,
    remake: (batch: SpooledBatch, place: BatchPlace) => EncodedBatch | undefined,
  ): Promise<void> {
    for (const lane of LANES) {
      for (const record of folder.lanes[lane].records()) {
        const batch = asBatch(folder.id, lane, record);
        const place = { spool: fresh.id, lane, sequence: fresh.lanes[lane].nextSequence() };
        const encoded = remake(batch, place);
        const kept = encoded !== undefined && isWritten(fresh, lane, encoded) ? encoded.samples : 0;
        countDropped(batch.samples - kept, 'not moved to the new spool');
        await nextTurn();
      }
      await fresh.lanes[lane].sync();
    }
  }

  return {
    needsRenewal,
    id: () => folder.id,
    dictionary: () => folder.dictionary.entries(),
    append(lane, make) {
      return new Promise<boolean>((resolve, reject) => {
        waiting.push({ lane, make, resolve, reject });
        if (waiting.length === 1) inOrder(writeWaiting).catch(reject);
      });
    },
    peek: (lane) => inOrder(() => head(lane)),
    acknowledge: ({ spool, lane, sequence }) =>
      inOrder(() => {
        if (spool !== folder.id) return;
        folder.lanes[lane].acknowledge(sequence);
        noteAcknowledged(folder);
      }),
    refuse: ({ spool, lane, sequence }, reason) =>
      inOrder(() => {
        const batch = head(lane);
        if (spool !== folder.id || batch?.sequence !== sequence) return;
        folder.lanes[lane].acknowledge(sequence);
        noteAcknowledged(folder);
        countDropped(batch.samples, reason);
        try {
          keepRefused(root, `${folder.id}-${lane}-${sequence}`, batch.body, reason);
        } catch (err) {
          log.warn({ err }, 'a refused batch could not be kept for inspection');
        }
      }),
    renew: (remake) =>
      inOrder(async () => {
        const old = folder;
        const fresh = openSpoolFolder(root, newId(), files);
        try {
          await rewrite(fresh, remake);
        } catch (cause) {
          closeSpoolFolder(fresh);
          rmSync(fresh.path, { recursive: true, force: true });
          throw cause;
        }
        replaceFile(join(root, 'current'), `${fresh.id}\n`);
        folder = fresh;
        closeSpoolFolder(old);
        rmSync(old.path, { recursive: true, force: true });
      }),
    figures: () => ({ samples: samplesOf(folder), bytes: bytesOf(folder), dropped }),
    close: () =>
      inOrder(() => {
        closeSpoolFolder(folder);
        unlock();
      }),
  };
}

function currentId(root: string): string {
  const ids = readdirSync(root).filter((name) => ID.test(name));
  const named = readCurrent(root);
  // A lost `current` beside one folder is no reason to lose what is in the folder.
  const id = named ?? (ids.length === 1 ? (ids[0] as string) : newId());
  if (named === undefined) replaceFile(join(root, 'current'), `${id}\n`);
  for (const other of ids) {
    if (other !== id) rmSync(join(root, other), { recursive: true, force: true });
  }
  return id;
}

/** False when the disk is full: the renewal goes on without this batch. */
function isWritten(fresh: SpoolFolder, lane: Lane, encoded: EncodedBatch): boolean {
  fresh.dictionary.add(encoded.entries);
  try {
    fresh.dictionary.flush();
    fresh.lanes[lane].write(encoded, encoded.body);
    return true;
  } catch {
    return false;
  }
}

const asBatch = (
  spool: string,
  lane: Lane,
  { frame, payload }: { frame: Frame; payload: Buffer },
): SpooledBatch => ({
  spool,
  lane,
  sequence: frame.sequence,
  samples: frame.samples,
  at: epochMs(frame.at),
  body: payload,
});

function readCurrent(root: string): string | undefined {
  try {
    const id = readFileSync(join(root, 'current'), 'utf8').trim();
    return ID.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

const isDictionaryUnsure = ({ dictionary, lanes }: SpoolFolder): boolean =>
  dictionary.isDamaged ||
  (dictionary.isNew && LANES.some((lane) => lanes[lane].nextSequence() > 1));

function reportOpening(folder: SpoolFolder, needsRenewal: boolean, log: Log): void {
  for (const lane of LANES) {
    const { tornBytes, damaged } = folder.lanes[lane];
    if (tornBytes > 0)
      log.warn({ lane, tornBytes }, 'the end of the spool was torn and is cut off');
    if (damaged > 0) log.warn({ lane, damaged }, 'damaged batches in the spool are skipped');
  }
  if (needsRenewal) log.warn({}, 'the dictionary of the spool is damaged: it takes a new spool id');
}
