import snmp from 'net-snmp';
import type { Varbind } from './snmp-session.ts';

const { ObjectType } = snmp;
const TYPE = {
  integer: ObjectType.Integer as number,
  octets: ObjectType.OctetString as number,
  oid: ObjectType.OID as number,
  counter: ObjectType.Counter as number,
  gauge: ObjectType.Gauge as number,
  ticks: ObjectType.TimeTicks as number,
  counter64: ObjectType.Counter64 as number,
  noSuchObject: ObjectType.NoSuchObject as number,
  noSuchInstance: ObjectType.NoSuchInstance as number,
  endOfMibView: ObjectType.EndOfMibView as number,
} as const;

/** Longest text of a device that is kept, in characters (the wire's bound). */
const TEXT_MAX = 255;

export const isHole = ({ type }: Varbind): boolean =>
  type === TYPE.noSuchInstance || type === TYPE.noSuchObject;
export const isEnd = ({ type }: Varbind): boolean => type === TYPE.endOfMibView;

export interface CounterCell {
  readonly value: bigint;
  readonly bits: 32 | 64;
}

/** A counter, exact. The width is that of the encoding, which is where the device will wrap. */
export function counterOf({ type, value }: Varbind): CounterCell | undefined {
  if (type === TYPE.counter64) {
    const wide = wideOf(value);
    return wide === undefined ? undefined : { value: wide, bits: 64 };
  }
  if (type !== TYPE.counter && type !== TYPE.gauge && type !== TYPE.integer) return undefined;
  return isCount(value) ? { value: BigInt(value), bits: 32 } : undefined;
}

/** net-snmp hands a Counter64 over as its content octets: 1 to 8, or 9 with a zero for the sign. */
function wideOf(value: unknown): bigint | undefined {
  if (!Buffer.isBuffer(value) || value.length === 0) return undefined;
  const { length } = value;
  if (length <= 6) return BigInt(value.readUIntBE(0, length));
  if (length === 8) return value.readBigUInt64BE(0);
  if (length > 9 || (length === 9 && value[0] !== 0)) return undefined;
  return BigInt(`0x${value.toString('hex')}`);
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

/** INTEGER, Gauge32, Counter32 or TimeTicks as a number. */
export function numberOf({ type, value }: Varbind): number | undefined {
  const isNumeric =
    type === TYPE.integer || type === TYPE.gauge || type === TYPE.counter || type === TYPE.ticks;
  return isNumeric && typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

/** As `numberOf`, without negative values. */
export function countOf(varbind: Varbind): number | undefined {
  const value = numberOf(varbind);
  return isCount(value) ? value : undefined;
}

export const oidOf = ({ type, value }: Varbind): string | undefined =>
  type === TYPE.oid && typeof value === 'string' ? value : undefined;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * Text that a device invented, fit for people and terminals: UTF-8, else Latin-1; control and
 * direction characters gone; at most 255 characters. Octets that are no text at all become `0x…`.
 */
export function textOf({ type, value }: Varbind): string | undefined {
  if (type !== TYPE.octets || !Buffer.isBuffer(value)) return undefined;
  let end = value.length;
  while (end > 0 && value[end - 1] === 0) end--;
  if (end === 0) return '';
  const octets = value.subarray(0, Math.min(end, 4 * TEXT_MAX));
  const text = decode(octets).replace(CONTROLS, ' ').trim();
  if (text === '') return isBlank(octets) ? '' : `0x${octets.subarray(0, 64).toString('hex')}`;
  return text.length > TEXT_MAX ? text.slice(0, TEXT_MAX).toWellFormed() : text;
}

function decode(octets: Buffer): string {
  try {
    return utf8.decode(octets);
  } catch {
    return octets.toString('latin1');
  }
}

const isBlank = (octets: Buffer): boolean =>
  octets.every((octet) => octet === 0x20 || (octet >= 0x09 && octet <= 0x0d));

/** ifPhysAddress as `00:1b:21:…`; six zeros or none at all say nothing and are absent. */
export function macOf({ type, value }: Varbind): string | undefined {
  if (type !== TYPE.octets || !Buffer.isBuffer(value)) return undefined;
  const { length } = value;
  // Some agents send the address as text.
  const written = length >= 11 && length <= 17 ? value.toString('latin1').toLowerCase() : '';
  if (/^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/.test(written)) {
    return written
      .split(/[:-]/)
      .map((part) => part.padStart(2, '0'))
      .join(':');
  }
  if (length < 6 || length > 20 || value.every((octet) => octet === 0)) return undefined;
  return value.toString('hex').replace(/..(?!$)/g, '$&:');
}
