import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Lane } from '../../../protocol/model/sample.ts';

/**
 * How far each lane is acknowledged, so that a restart does not send a whole segment again. A hint:
 * it is not synced, and losing it costs only repeats, which the collector knows.
 */
export interface AcknowledgedFile {
  /** As found at the start; 0 where nothing is known. */
  readonly found: Record<Lane, number>;
  write(acknowledged: Record<Lane, number>): void;
  close(): void;
}

export function openAcknowledgedFile(folder: string): AcknowledgedFile {
  const path = join(folder, 'acknowledged');
  const found = read(path);
  const fd = openSync(path, 'w', 0o600);
  const write = ({ live, backfill }: Record<Lane, number>): void => {
    const numbers = `${String(live).padStart(16, '0')} ${String(backfill).padStart(16, '0')}`;
    try {
      writeSync(fd, `${numbers} ${checksumOf(numbers)}\n`, 0);
    } catch {
      // A full disk: the hint is old or broken, which costs repeats only.
    }
  };
  write(found);
  return { found, write, close: () => closeSync(fd) };
}

function read(path: string): Record<Lane, number> {
  try {
    const text = readFileSync(path, 'utf8');
    const match = /^((\d{16}) (\d{16})) ([0-9a-f]{8})\n$/.exec(text);
    // Half an old line and half a new one must not make a number that is too high.
    if (match !== null && checksumOf(match[1] as string) === match[4]) {
      return { live: Number(match[2]), backfill: Number(match[3]) };
    }
  } catch {
    // The first start, or a file that cannot be read.
  }
  return { live: 0, backfill: 0 };
}

const checksumOf = (text: string): string => crc32(text).toString(16).padStart(8, '0');
