import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { LineReader, ReplayInput } from './replay-lines.ts';

/** A recording that cannot be read; the message begins with file and line. */
export class ReplayInputError extends Error {}

/** No line of a recording is longer; a wrong file is told as such instead of filling the memory. */
const MAX_LINE = 1_048_576;

/** Picks the reader by the first line that is not empty: an object is NDJSON, anything else CSV. */
export interface Readers {
  ndjson(): LineReader;
  csv(file: string): LineReader;
}

function openBytes(file: string): Readable {
  const bytes = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  if (!file.endsWith('.gz')) return bytes;
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  bytes.on('error', (error) => gunzip.destroy(error));
  return bytes.pipe(gunzip);
}

/** The inputs of one file in its order, a chunk at a time. @throws ReplayInputError */
export async function* inputsOf(file: string, readers: Readers): AsyncGenerator<ReplayInput[]> {
  const decoder = new TextDecoder('utf-8');
  let reader: LineReader | undefined;
  let rest = '';
  let number = 0;

  function readLine(line: string): readonly ReplayInput[] {
    reader ??= line.trimStart().startsWith('{') ? readers.ndjson() : readers.csv(file);
    try {
      return reader(line);
    } catch (cause) {
      throw new ReplayInputError(`${file}:${number}: ${(cause as Error).message}`, { cause });
    }
  }

  function readLines(lines: readonly string[]): ReplayInput[] {
    const inputs: ReplayInput[] = [];
    for (const raw of lines) {
      number += 1;
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line.length === 0) continue;
      for (const input of readLine(line)) inputs.push(input);
    }
    return inputs;
  }

  try {
    for await (const chunk of openBytes(file)) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      const inputs = readLines(lines);
      if (rest.length > MAX_LINE) {
        throw new ReplayInputError(
          `${file}:${number + 1}: line longer than ${MAX_LINE} characters`,
        );
      }
      if (inputs.length > 0) yield inputs;
    }
  } catch (cause) {
    if (cause instanceof ReplayInputError) throw cause;
    throw new ReplayInputError(`${file}:${number + 1}: ${(cause as Error).message}`, { cause });
  }
  const last = readLines([rest + decoder.decode()]);
  if (last.length > 0) yield last;
}

interface Cursor {
  inputs: readonly ReplayInput[];
  next: number;
  readonly source: AsyncIterator<ReplayInput[]>;
}

async function advance(cursor: Cursor): Promise<boolean> {
  if (cursor.next < cursor.inputs.length) return true;
  const { done, value } = await cursor.source.next();
  if (done) return false;
  cursor.inputs = value;
  cursor.next = 0;
  return true;
}

const headOf = (cursor: Cursor): number => cursor.inputs[cursor.next]?.arrival ?? Infinity;

/** Several recordings as one, by time of arrival; at the same time in the order of the files. */
export async function* merged(
  sources: readonly AsyncIterable<ReplayInput[]>[],
): AsyncGenerator<readonly ReplayInput[]> {
  const [only, ...others] = sources;
  if (only !== undefined && others.length === 0) return yield* only;
  let cursors: Cursor[] = sources.map((source) => ({
    inputs: [],
    next: 0,
    source: source[Symbol.asyncIterator](),
  }));
  for (;;) {
    const alive: Cursor[] = [];
    for (const cursor of cursors) if (await advance(cursor)) alive.push(cursor);
    cursors = alive;
    if (cursors.length === 0) return;
    yield interleaved(cursors);
  }
}

/** Inputs in order until one of the files needs its next chunk. */
function interleaved(cursors: readonly Cursor[]): ReplayInput[] {
  const inputs: ReplayInput[] = [];
  for (;;) {
    let first = cursors[0] as Cursor;
    for (const cursor of cursors) if (headOf(cursor) < headOf(first)) first = cursor;
    inputs.push(first.inputs[first.next] as ReplayInput);
    first.next += 1;
    if (first.next >= first.inputs.length) return inputs;
  }
}
