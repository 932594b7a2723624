/**
 * Copies of plain state for snapshots: later samples must not reach into them, and JSON there and back
 * would cost four times as much. Exact: no number is rounded, or an engine restored would in time
 * decide otherwise than one that ran on. Runs of zeros, which most rings and profiles are made of,
 * are written as one word.
 */
const ZEROS = /^0x\d+$/;
const LEAST_RUN = 4;

type Plain = Readonly<Record<string, unknown>>;

export function packPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return copyOf(value as Plain, packPlain);
  return typeof value[0] === 'number' ? packNumbers(value) : value.map(packPlain);
}

function packNumbers(values: readonly unknown[]): unknown[] {
  const packed: unknown[] = [];
  let zeros = 0;
  for (const value of values) {
    if (value === 0) {
      zeros += 1;
      continue;
    }
    if (zeros > 0) flush(packed, zeros);
    zeros = 0;
    packed.push(value);
  }
  if (zeros > 0) flush(packed, zeros);
  return packed;
}

function flush(packed: unknown[], zeros: number): void {
  if (zeros >= LEAST_RUN) packed.push(`0x${zeros}`);
  else for (let i = 0; i < zeros; i++) packed.push(0);
}

export function unpackPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return copyOf(value as Plain, unpackPlain);
  const whole: unknown[] = [];
  for (const one of value) {
    if (typeof one === 'number') whole.push(one);
    else if (typeof one !== 'string' || !ZEROS.test(one)) whole.push(unpackPlain(one));
    else for (let zeros = Number(one.slice(2)); zeros > 0; zeros--) whole.push(0);
  }
  return whole;
}

function copyOf(value: Plain, part: (of: unknown) => unknown): Plain {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) copy[name] = part(value[name]);
  return copy;
}
