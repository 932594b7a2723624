import { join } from 'node:path';
import type { Lane } from '../../../protocol/model/sample.ts';
import { type AcknowledgedFile, openAcknowledgedFile } from './acknowledged-file.ts';
import { type DictionaryFile, openDictionaryFile } from './dictionary-file.ts';
import { makeFolder } from './folder.ts';
import { type LaneFiles, type LaneFilesOptions, openLaneFiles } from './lane-files.ts';

export const LANES = ['live', 'backfill'] as const satisfies readonly Lane[];

/** The files of one spool id. */
export interface SpoolFolder {
  readonly id: string;
  readonly path: string;
  readonly lanes: Record<Lane, LaneFiles>;
  readonly dictionary: DictionaryFile;
  readonly acknowledged: AcknowledgedFile;
}

export function openSpoolFolder(
  root: string,
  id: string,
  options: Omit<LaneFilesOptions, 'folder' | 'lane'>,
): SpoolFolder {
  const path = join(root, id);
  makeFolder(path);
  const dictionary = openDictionaryFile(path);
  const acknowledged = openAcknowledgedFile(path);
  const lanes = {
    live: openLaneFiles({ ...options, folder: path, lane: 'live' }),
    backfill: openLaneFiles({ ...options, folder: path, lane: 'backfill' }),
  };
  for (const lane of LANES) {
    // A folder set back from a backup may hold less than the hint says.
    const last = lanes[lane].nextSequence() - 1;
    lanes[lane].acknowledge(Math.min(acknowledged.found[lane], last));
  }
  return { id, path, dictionary, acknowledged, lanes };
}

/** Writes down what is acknowledged by now. */
export function noteAcknowledged({ acknowledged, lanes }: SpoolFolder): void {
  acknowledged.write({
    live: lanes.live.firstHeld() - 1,
    backfill: lanes.backfill.firstHeld() - 1,
  });
}

export function closeSpoolFolder(folder: SpoolFolder): void {
  for (const lane of LANES) folder.lanes[lane].close();
  folder.dictionary.close();
  folder.acknowledged.close();
}

export const bytesOf = (folder: SpoolFolder): number =>
  folder.lanes.live.bytes() + folder.lanes.backfill.bytes();

export const samplesOf = (folder: SpoolFolder): number =>
  folder.lanes.live.samples() + folder.lanes.backfill.samples();

/** The lane whose oldest segment is the oldest of all; undefined when both are empty. */
export function oldestLane(folder: SpoolFolder): LaneFiles | undefined {
  const { live, backfill } = folder.lanes;
  const liveAt = live.oldestAt() ?? Number.POSITIVE_INFINITY;
  const backfillAt = backfill.oldestAt() ?? Number.POSITIVE_INFINITY;
  if (liveAt === Number.POSITIVE_INFINITY && backfillAt === liveAt) return undefined;
  return backfillAt <= liveAt ? backfill : live;
}
