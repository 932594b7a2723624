import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { createSnmpEngine } from '../../agent/adapters/snmp/snmp-engine.ts';
import type { SnmpCredential } from '../../protocol/wire/agent-config.ts';
import { integer, objectId, parts, readInteger, sequence, TAG, tlv } from '../support/ber.ts';
import { HOLE, octets, SYSTEM_ROWS } from '../support/fake-snmp-agent.ts';
import { soon } from '../support/fake-snmp-device.ts';

const REPORT = 0xa8;
const ENGINE = Buffer.from('80001f8804666f72676564', 'hex');
const UNKNOWN_ENGINE = '1.3.6.1.6.3.15.1.1.4.0';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A v3 message in clear; `flags` 0 = unsigned, 1 = says that it is signed. */
function message(id: number, flags: number, pdu: Buffer): Buffer {
  const usm = sequence(
    octets(ENGINE),
    integer(1),
    integer(1),
    octets('noc'),
    octets(flags === 0 ? '' : Buffer.alloc(12)),
    octets(''),
  );
  return sequence(
    integer(3),
    sequence(integer(id), integer(65_507), octets(Buffer.from([flags])), integer(3)),
    octets(usm),
    sequence(octets(ENGINE), octets(''), pdu),
  );
}

const pduOf = (tag: number, rows: readonly (readonly [string, Buffer])[]): Buffer =>
  tlv(
    tag,
    Buffer.concat([
      integer(1),
      integer(0),
      integer(0),
      sequence(...rows.map(([oid, value]) => sequence(objectId(oid), value))),
    ]),
  );

/** As many cells as are asked for: the system group, and two that are missing. */
const ANSWER = [
  ...SYSTEM_ROWS,
  ['1.3.6.1.6.3.10.2.1.2.0', HOLE],
  ['1.3.6.1.6.3.10.2.1.3.0', HOLE],
] as const;

/** Answers discovery honestly, and every request behind it with a forgery of these flags. */
async function forger(flags: number): Promise<number> {
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  socket.on('message', (bytes, from) => {
    const [, header, usm] = parts(parts(bytes)[0]?.contents ?? Buffer.alloc(0));
    const [id] = parts(header?.contents ?? Buffer.alloc(0));
    const [engine] = parts(parts(usm?.contents ?? Buffer.alloc(0))[0]?.contents ?? Buffer.alloc(0));
    if (id === undefined) return;
    const reply =
      engine?.contents.length === 0
        ? message(readInteger(id), 0, pduOf(REPORT, [[UNKNOWN_ENGINE, integer(1, TAG.counter32)]]))
        : message(readInteger(id), flags, pduOf(TAG.response, ANSWER));
    socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket.address().port;
}

async function ask(port: number, credential: SnmpCredential) {
  const engine = createSnmpEngine();
  cleanups.push(() => engine.close());
  const reader = engine.open({ address: '127.0.0.1', port, timeout: 30 }, credential);
  return reader.system(soon(500));
}

test('an unsigned answer is good enough for a user without a key', async () => {
  expect(await ask(await forger(0), { version: '3', user: 'noc' })).toMatchObject({
    kind: 'answered',
    value: { name: 'edge-1' },
  });
});

test.each<[string, SnmpCredential]>([
  ['signed', { version: '3', user: 'noc', auth: { protocol: 'sha', key: 'long enough' } }],
  [
    'sealed',
    {
      version: '3',
      user: 'noc',
      auth: { protocol: 'sha256', key: 'long enough' },
      privacy: { protocol: 'aes128', key: 'long enough' },
    },
  ],
])('an unsigned answer to a %s request is refused as a forgery', async (_level, credential) => {
  expect(await ask(await forger(0), credential)).toMatchObject({
    kind: 'failed',
    failure: { kind: 'malformed', text: expect.stringContaining('not secured') },
  });
});

test('a false signature is refused', async () => {
  const credential: SnmpCredential = {
    version: '3',
    user: 'noc',
    auth: { protocol: 'sha', key: 'long enough' },
  };
  expect(await ask(await forger(1), credential)).toMatchObject({
    kind: 'failed',
    failure: { kind: 'wrong-digest' },
  });
});

test('a signed answer to a user without a key does not end the process', async () => {
  expect((await ask(await forger(1), { version: '3', user: 'noc' })).kind).toBe('failed');
});

test('a privacy key without an authentication key is refused before anything is sent', async () => {
  expect(
    await ask(await forger(0), {
      version: '3',
      user: 'noc',
      privacy: { protocol: 'aes128', key: 'long enough' },
    }),
  ).toMatchObject({ kind: 'failed', failure: { text: expect.stringContaining('authentication') } });
});
