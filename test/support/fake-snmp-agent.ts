import { createSocket, type RemoteInfo } from 'node:dgram';
import { integer, objectId, parts, readInteger, readOid, sequence, TAG, tlv } from './ber.ts';

/** A value as its encoded octets. */
export type FakeValue = Buffer;
export type FakeRow = readonly [oid: string, value: FakeValue];

export const int = (value: number): FakeValue => integer(value);
export const counter32 = (value: number): FakeValue => integer(value, TAG.counter32);
export const gauge32 = (value: number): FakeValue => integer(value, TAG.gauge32);
export const ticks = (value: number): FakeValue => integer(value, TAG.ticks);
export const counter64 = (value: bigint): FakeValue => integer(value, TAG.counter64);
export const octets = (value: string | Buffer): FakeValue => tlv(TAG.octets, Buffer.from(value));
export const oidValue = (value: string): FakeValue => objectId(value);
export const END: FakeValue = tlv(TAG.endOfMibView, Buffer.alloc(0));
export const HOLE: FakeValue = tlv(TAG.noSuchInstance, Buffer.alloc(0));
const NOTHING: FakeValue = tlv(TAG.noSuchObject, Buffer.alloc(0));

export interface FakeRequest {
  readonly id: number;
  readonly tag: number;
  readonly repetitions: number;
  readonly oids: readonly string[];
}

export interface FakeReply {
  readonly id: number;
  readonly errorStatus: number;
  readonly errorIndex: number;
  readonly rows: readonly FakeRow[];
}

export interface FakeAgentOptions {
  /** In the order in which the device walks, which need not be the order of OIDs. */
  readonly rows?: readonly FakeRow[];
  readonly community?: string;
  /** Replaces the successor of an OID; undefined = by `rows`. */
  readonly successor?: (oid: string) => FakeRow | undefined;
  /** The device cuts its answers to this many cells. */
  readonly maxCells?: number;
  /** Changes a reply, or returns the datagrams to send in its place. */
  readonly twist?: (request: FakeRequest, reply: FakeReply) => FakeReply | readonly Buffer[];
}

export interface FakeAgent {
  readonly port: number;
  readonly requests: FakeRequest[];
  close(): Promise<void>;
}

export const encodeReply = (reply: FakeReply, community = 'public'): Buffer =>
  sequence(
    integer(1),
    octets(community),
    tlv(
      TAG.response,
      Buffer.concat([
        integer(reply.id),
        integer(reply.errorStatus),
        integer(reply.errorIndex),
        sequence(...reply.rows.map(([oid, value]) => sequence(objectId(oid), value))),
      ]),
    ),
  );

/** A hand-made SNMPv2c device on loopback, with whatever oddity a test gives it. */
export async function startFakeAgent(options: FakeAgentOptions = {}): Promise<FakeAgent> {
  const community = options.community ?? 'public';
  const requests: FakeRequest[] = [];
  const socket = createSocket('udp4');
  const answerOne = createAnswerer(options);

  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const request = decode(bytes, community);
    if (request === undefined) return;
    requests.push(request);
    const reply = answerOne(request);
    const twisted = options.twist?.(request, reply) ?? reply;
    const datagrams = 'rows' in twisted ? [encodeReply(twisted, community)] : twisted;
    for (const datagram of datagrams) socket.send(datagram, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: socket.address().port,
    requests,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function decode(bytes: Buffer, community: string): FakeRequest | undefined {
  const [message] = parts(bytes);
  const [version, name, pdu] = parts(message?.contents ?? Buffer.alloc(0));
  if (version === undefined || name === undefined || pdu === undefined) return undefined;
  if (readInteger(version) !== 1 || name.contents.toString() !== community) return undefined;
  const [id, , repetitions, list] = parts(pdu.contents);
  if (id === undefined || repetitions === undefined || list === undefined) return undefined;
  const oids = parts(list.contents).map((varbind) => {
    const [oid] = parts(varbind.contents);
    return oid === undefined ? '' : readOid(oid);
  });
  return { id: readInteger(id), tag: pdu.tag, repetitions: readInteger(repetitions), oids };
}

function createAnswerer(options: FakeAgentOptions): (request: FakeRequest) => FakeReply {
  const rows = options.rows ?? [];
  const positions = new Map(rows.map(([oid], i) => [oid, i]));
  const values = new Map(rows);
  const bySize = [...rows].sort(([a], [b]) => compareOids(a, b));

  const successor = (oid: string): FakeRow => {
    const invented = options.successor?.(oid);
    if (invented !== undefined) return invented;
    const at = positions.get(oid);
    const next =
      at === undefined ? bySize.find(([other]) => compareOids(other, oid) > 0) : rows[at + 1];
    return next ?? [oid, END];
  };

  /** Row by row, every column once in each, until all columns have ended (RFC 3416 4.2.3). */
  const repeated = (oids: readonly string[], repetitions: number): FakeRow[] => {
    const found: FakeRow[] = [];
    let cursors = oids;
    for (let row = 0; row < repetitions; row++) {
      const next = cursors.map(successor);
      found.push(...next);
      if (next.every(([, value]) => value === END)) break;
      cursors = next.map(([oid]) => oid);
    }
    return found;
  };

  return ({ id, tag, repetitions, oids }) => {
    const found =
      tag === TAG.get
        ? oids.map((oid): FakeRow => [oid, values.get(oid) ?? NOTHING])
        : repeated(oids, tag === TAG.getBulk ? repetitions : 1);
    return { id, errorStatus: 0, errorIndex: 0, rows: found.slice(0, options.maxCells) };
  };
}

export function compareOids(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const IF = '1.3.6.1.2.1.2.2.1';
const IFX = '1.3.6.1.2.1.31.1.1.1';

export interface FakeInterface {
  readonly ifIndex: number;
  readonly name?: string | Buffer;
  readonly descr?: string | Buffer;
  readonly alias?: string | Buffer;
  readonly mac?: string | Buffer;
  /** HC counters; left out where undefined. */
  readonly octets64?: readonly [bigint, bigint];
  readonly octets32?: readonly [number, number];
  readonly speed?: number;
  readonly highSpeed?: number;
  readonly admin?: number;
  readonly oper?: number;
  readonly errors?: readonly [number, number];
  /** Further cells, or other values for those above, by column OID. */
  readonly cells?: Readonly<Record<string, FakeValue>>;
}

const maybe = <T>(value: T | undefined, encode: (value: T) => FakeValue): FakeValue | undefined =>
  value === undefined ? undefined : encode(value);

/** Rows of ifTable and ifXTable for these interfaces, in the order of OIDs. */
export function interfaceRows(interfaces: readonly FakeInterface[]): FakeRow[] {
  const rows = interfaces.flatMap((each): FakeRow[] => {
    const cells: Record<string, FakeValue | undefined> = {
      [`${IF}.2`]: maybe(each.descr, octets),
      [`${IF}.3`]: int(6),
      [`${IF}.5`]: maybe(each.speed, gauge32),
      [`${IF}.6`]: maybe(each.mac, octets),
      [`${IF}.7`]: int(each.admin ?? 1),
      [`${IF}.8`]: int(each.oper ?? 1),
      [`${IF}.10`]: maybe(each.octets32?.[0], counter32),
      [`${IF}.14`]: maybe(each.errors?.[0], counter32),
      [`${IF}.16`]: maybe(each.octets32?.[1], counter32),
      [`${IF}.20`]: maybe(each.errors?.[1], counter32),
      [`${IFX}.1`]: maybe(each.name, octets),
      [`${IFX}.6`]: maybe(each.octets64?.[0], counter64),
      [`${IFX}.10`]: maybe(each.octets64?.[1], counter64),
      [`${IFX}.15`]: maybe(each.highSpeed, gauge32),
      [`${IFX}.18`]: maybe(each.alias, octets),
      ...each.cells,
    };
    return Object.entries(cells).flatMap(([column, value]) =>
      value === undefined ? [] : [[`${column}.${each.ifIndex}`, value] as const],
    );
  });
  return rows.sort(([a], [b]) => compareOids(a, b));
}

export const SYSTEM_ROWS: readonly FakeRow[] = [
  ['1.3.6.1.2.1.1.1.0', octets('a fake router')],
  ['1.3.6.1.2.1.1.2.0', oidValue('1.3.6.1.4.1.9.1.1')],
  ['1.3.6.1.2.1.1.3.0', ticks(123_456)],
  ['1.3.6.1.2.1.1.5.0', octets('edge-1')],
];
