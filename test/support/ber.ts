/** Just enough BER to speak SNMPv2c, written without net-snmp so that a shared mistake cannot hide. */

export const TAG = {
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  ipAddress: 0x40,
  counter32: 0x41,
  gauge32: 0x42,
  ticks: 0x43,
  counter64: 0x46,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
  get: 0xa0,
  getNext: 0xa1,
  response: 0xa2,
  getBulk: 0xa5,
} as const;

/** Tag, length, contents. */
export function tlv(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), contents]);
  const head = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), contents]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer =>
  tlv(TAG.sequence, Buffer.concat(parts));

/** Two's complement for INTEGER; a leading zero where an unsigned type needs one. */
export function integer(value: number | bigint, tag: number = TAG.integer): Buffer {
  let rest = BigInt(value);
  const bytes: number[] = [];
  do {
    bytes.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (rest !== 0n && rest !== -1n);
  const sign = (bytes[0] ?? 0) & 0x80;
  if (rest === 0n && sign !== 0) bytes.unshift(0);
  if (rest === -1n && sign === 0) bytes.unshift(0xff);
  return tlv(tag, Buffer.from(bytes));
}

export function objectId(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const groups = [part % 0x80];
    for (let left = Math.floor(part / 0x80); left > 0; left = Math.floor(left / 0x80)) {
      groups.unshift((left % 0x80) | 0x80);
    }
    bytes.push(...groups);
  }
  return tlv(TAG.oid, Buffer.from(bytes));
}

export interface Tlv {
  readonly tag: number;
  readonly contents: Buffer;
}

/** The values that lie side by side in `bytes`. */
export function parts(bytes: Buffer): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    at += 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      length = bytes.readUIntBE(at, count);
      at += count;
    }
    found.push({ tag, contents: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

export const readInteger = ({ contents }: Tlv): number => contents.readIntBE(0, contents.length);

export function readOid({ contents }: Tlv): string {
  const [joint = 0, ...rest] = subIds(contents);
  return [Math.floor(joint / 40), joint % 40, ...rest].join('.');
}

function subIds(contents: Buffer): number[] {
  const ids: number[] = [];
  let value = 0;
  for (const byte of contents) {
    value = value * 0x80 + (byte & 0x7f);
    if (byte < 0x80) {
      ids.push(value);
      value = 0;
    }
  }
  return ids;
}
