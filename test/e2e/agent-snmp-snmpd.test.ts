import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSnmpEngine } from '../../agent/adapters/snmp/snmp-engine.ts';
import type { SnmpReader } from '../../agent/ports/snmp.ts';
import { type Snmpd, startSnmpd } from '../../bench/support-snmpd.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { SnmpCredential } from '../../protocol/wire/agent-config.ts';
import { needs } from '../support/needs.ts';

type V3 = Extract<SnmpCredential, { version: '3' }>;
type Auth = NonNullable<V3['auth']>['protocol'];
type Privacy = NonNullable<V3['privacy']>['protocol'];

const AUTH: Record<Auth, string> = { sha: 'SHA', sha256: 'SHA-256', sha512: 'SHA-512' };
const PRIVACY: Record<Privacy, string> = { aes128: 'AES', aes256: 'AES-256', aes256c: 'AES-256-C' };
const KEY = 'correct horse battery';
const LOCK = 'staple paper clip';

const auths = Object.keys(AUTH) as Auth[];
const privacies = Object.keys(PRIVACY) as Privacy[];
const signed = auths.map((auth) => ({ auth, user: `signed_${auth}` }));
const sealed = auths.flatMap((auth) =>
  privacies.map((privacy) => ({ auth, privacy, user: `sealed_${auth}_${privacy}` })),
);

const soon = (ms = 8_000): EpochMs => epochMs(Date.now() + ms);
const engine = createSnmpEngine();
let snmpd: Snmpd;

const open = (credential: SnmpCredential, timeout = 300): SnmpReader =>
  engine.open({ address: '127.0.0.1', port: snmpd.port, timeout }, credential);

async function systemOf(credential: SnmpCredential) {
  const reader = open(credential);
  const answer = await reader.system(soon());
  reader.close();
  return answer;
}

const failed = (kind: string, text: string) => ({
  kind: 'failed',
  failure: { kind, text: expect.stringContaining(text) },
});

needs('snmpd')('a real snmpd', () => {
  beforeAll(async () => {
    snmpd = await startSnmpd([
      'sysName edge-1',
      'rocommunity public 127.0.0.1',
      'view nothing included .1.3.6.1.6.3.16',
      'rocommunity blind 127.0.0.1 -V nothing',
      'createUser plain',
      'rouser plain noauth',
      ...signed.flatMap(({ auth, user }) => [
        `createUser ${user} ${AUTH[auth]} "${KEY}"`,
        `rouser ${user} auth`,
      ]),
      ...sealed.flatMap(({ auth, privacy, user }) => [
        `createUser ${user} ${AUTH[auth]} "${KEY}" ${PRIVACY[privacy]} "${LOCK}"`,
        `rouser ${user} authpriv`,
      ]),
    ]);
  });
  afterAll(async () => {
    engine.close();
    await snmpd?.remove();
  });

  test('v2c reads system, interfaces and environment', async () => {
    const reader = open({ version: '2c', community: 'public' });
    const system = await reader.system(soon());
    expect(system).toMatchObject({
      kind: 'answered',
      value: {
        name: 'edge-1',
        engineBoots: 1,
        objectId: expect.stringContaining('1.3.6.1.4.1.8072'),
      },
    });
    const interfaces = await reader.interfaces(true, soon());
    const rows = interfaces.kind === 'answered' ? interfaces.value : [];
    const lo = rows.find((row) => row.name === 'lo');
    expect(lo).toMatchObject({ adminUp: true, operUp: true, descr: 'lo' });
    expect(lo?.counters.inOctets).toMatchObject({ bits: 64 });
    const environment = await reader.environment(soon());
    const memory = environment.kind === 'answered' ? environment.value.memoryRatio : undefined;
    expect(memory).toBeGreaterThan(0);
    expect(memory).toBeLessThan(1);
    reader.close();
  });

  test('v3 without authentication', async () => {
    expect(await systemOf({ version: '3', user: 'plain' })).toMatchObject({ kind: 'answered' });
  });

  test.each(signed)('v3 signed by $auth', async ({ auth, user }) => {
    expect(
      await systemOf({ version: '3', user, auth: { protocol: auth, key: KEY } }),
    ).toMatchObject({ kind: 'answered', value: { name: 'edge-1', engineBoots: 1 } });
  });

  test.each(sealed)('v3 signed by $auth, sealed by $privacy', async ({ auth, privacy, user }) => {
    const reader = open({
      version: '3',
      user,
      auth: { protocol: auth, key: KEY },
      privacy: { protocol: privacy, key: LOCK },
    });
    expect(await reader.system(soon())).toMatchObject({ kind: 'answered' });
    expect(await reader.interfaces(true, soon())).toMatchObject({ kind: 'answered' });
    reader.close();
  });

  test('a wrong community is silence, said so', async () => {
    expect(await systemOf({ version: '2c', community: 'private' })).toMatchObject(
      failed('timed-out', 'community'),
    );
  });

  test('an unknown user', async () => {
    expect(
      await systemOf({ version: '3', user: 'nobody', auth: { protocol: 'sha256', key: KEY } }),
    ).toMatchObject(failed('unknown-user', 'nobody'));
  });

  test('a wrong authentication key', async () => {
    expect(
      await systemOf({
        version: '3',
        user: 'signed_sha256',
        auth: { protocol: 'sha256', key: 'not the right key' },
      }),
    ).toMatchObject(failed('wrong-digest', 'authentication key'));
  });

  test('a wrong authentication algorithm', async () => {
    expect(
      await systemOf({ version: '3', user: 'signed_sha256', auth: { protocol: 'sha', key: KEY } }),
    ).toMatchObject(failed('wrong-digest', 'algorithm'));
  });

  test('a wrong privacy key is silence after a good start, said so', async () => {
    expect(
      await systemOf({
        version: '3',
        user: 'sealed_sha256_aes128',
        auth: { protocol: 'sha256', key: KEY },
        privacy: { protocol: 'aes128', key: 'not the right key' },
      }),
    ).toMatchObject(failed('timed-out', 'privacy key'));
  });

  test('a user asked for more security than it has', async () => {
    expect(
      await systemOf({
        version: '3',
        user: 'signed_sha256',
        auth: { protocol: 'sha256', key: KEY },
        privacy: { protocol: 'aes128', key: LOCK },
      }),
    ).toMatchObject(failed('unknown-user', 'security level'));
  });

  test('a user asked for less security than it must use', async () => {
    expect(
      await systemOf({
        version: '3',
        user: 'sealed_sha256_aes128',
        auth: { protocol: 'sha256', key: KEY },
      }),
    ).toMatchObject(failed('not-in-view', 'security level'));
  });

  test('a community that sees nothing', async () => {
    expect(await systemOf({ version: '2c', community: 'blind' })).toMatchObject(
      failed('not-in-view', 'view'),
    );
  });

  test('a restart under an open v3 session heals itself, and boots go up', async () => {
    const reader = open({
      version: '3',
      user: 'sealed_sha512_aes256',
      auth: { protocol: 'sha512', key: KEY },
      privacy: { protocol: 'aes256', key: LOCK },
    });
    const before = await reader.system(soon());
    expect((await reader.interfaces(true, soon())).kind).toBe('answered');
    await snmpd.restart();
    const after = await reader.system(soon());
    const boots = (answer: typeof before) =>
      answer.kind === 'answered' ? (answer.value.engineBoots ?? Number.NaN) : Number.NaN;
    expect(boots(after)).toBe(boots(before) + 1);
    expect((await reader.interfaces(false, soon())).kind).toBe('answered');
    reader.close();
  });

  test('a stopped snmpd is unreachable, and read again once it is back', async () => {
    const reader = open({ version: '2c', community: 'public' });
    expect((await reader.system(soon())).kind).toBe('answered');
    await snmpd.stop();
    expect(await reader.system(soon())).toMatchObject({ failure: { kind: 'unreachable' } });
    await snmpd.restart();
    expect((await reader.system(soon())).kind).toBe('answered');
    reader.close();
  });
});
