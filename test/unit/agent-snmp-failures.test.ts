import { afterEach, expect, test } from 'vitest';
import { createSnmpEngine } from '../../agent/adapters/snmp/snmp-engine.ts';
import { epochMs } from '../../protocol/model/units.ts';
import {
  encodeReply,
  interfaceRows,
  SYSTEM_ROWS,
  startFakeAgent,
} from '../support/fake-snmp-agent.ts';
import { createFakeDevices, plain, soon } from '../support/fake-snmp-device.ts';

const devices = createFakeDevices();
afterEach(() => devices.close());

test('a device that shows no interface is told apart from silence', async () => {
  const bench = await devices.open({ rows: SYSTEM_ROWS });
  expect(await bench.reader.interfaces(true, soon())).toMatchObject({
    kind: 'failed',
    failure: { kind: 'not-in-view' },
  });
});

test('an empty view is told apart from silence', async () => {
  const bench = await devices.open({ rows: [] });
  expect(await bench.reader.system(soon())).toMatchObject({
    kind: 'failed',
    failure: { kind: 'not-in-view' },
  });
});

test('authorizationError is not-in-view', async () => {
  const bench = await devices.open({
    rows: SYSTEM_ROWS,
    twist: (_request, reply) => ({ ...reply, errorStatus: 16, errorIndex: 1 }),
  });
  expect(await bench.reader.system(soon())).toMatchObject({
    kind: 'failed',
    failure: { kind: 'not-in-view' },
  });
});

const whole = { id: 1, errorStatus: 0, errorIndex: 0, rows: SYSTEM_ROWS };
test.each([
  ['garbage', () => [Buffer.from('not SNMP at all, dear')]],
  ['one octet', () => [Buffer.from([0x30])]],
  ['an empty datagram', () => [Buffer.alloc(0)]],
  ['a truncated answer', () => [encodeReply(whole).subarray(0, 30)]],
  ['a length that lies', () => [Buffer.from('3084ffffffff020101', 'hex')]],
] as const)('%s never ends the process and is said to be no SNMP', async (_what, datagrams) => {
  const bench = await devices.open({ rows: SYSTEM_ROWS, twist: datagrams }, 20);
  const answer = await bench.reader.system(soon());
  expect(answer.kind).toBe('failed');
  expect(answer.kind === 'failed' && ['malformed', 'timed-out']).toContain(
    answer.kind === 'failed' ? answer.failure.kind : '',
  );
});

test('a true answer behind garbage is still taken', async () => {
  const bench = await devices.open({
    rows: SYSTEM_ROWS,
    twist: (_request, reply) => [Buffer.from('noise'), encodeReply(reply), encodeReply(reply)],
  });
  expect(await bench.reader.system(soon())).toMatchObject({
    kind: 'answered',
    value: { name: 'edge-1', uptimeTicks: 123_456 },
  });
});

test('an answer to another request is not taken for ours', async () => {
  const bench = await devices.open(
    { rows: SYSTEM_ROWS, twist: (_request, reply) => ({ ...reply, id: reply.id ^ 1 }) },
    20,
  );
  expect(await bench.reader.system(soon())).toMatchObject({
    kind: 'failed',
    failure: { kind: 'timed-out', text: expect.stringContaining('other requests') },
  });
});

test('an answer with another community is not taken', async () => {
  const bench = await devices.open(
    { rows: SYSTEM_ROWS, twist: (_request, reply) => [encodeReply(reply, 'other')] },
    20,
  );
  expect((await bench.reader.system(soon())).kind).toBe('failed');
});

test('silence ends at the deadline although more attempts were due', async () => {
  const bench = await devices.open({ rows: SYSTEM_ROWS, twist: () => [] }, 10_000);
  const started = performance.now();
  const answer = await bench.reader.system(soon(120));
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(answer).toMatchObject({ kind: 'failed', failure: { kind: 'timed-out' } });
});

test('a deadline that has passed asks nothing', async () => {
  const bench = await devices.open({ rows: SYSTEM_ROWS });
  expect(await bench.reader.system(epochMs(Date.now() - 1))).toMatchObject({ kind: 'failed' });
});

test('a device that was silent is read as soon as it answers again', async () => {
  let silent = true;
  const bench = await devices.open(
    { rows: SYSTEM_ROWS, twist: (_request, reply) => (silent ? [] : reply) },
    10,
  );
  expect((await bench.reader.system(soon())).kind).toBe('failed');
  silent = false;
  expect((await bench.reader.system(soon())).kind).toBe('answered');
});

test('a dead device delays no other', async () => {
  const dead = await devices.open({ rows: SYSTEM_ROWS, twist: () => [] }, 500);
  const alive = await devices.open({ rows: SYSTEM_ROWS });
  const waiting = dead.reader.system(soon(400));
  const started = performance.now();
  expect((await alive.reader.system(soon())).kind).toBe('answered');
  expect(performance.now() - started).toBeLessThan(300);
  expect((await waiting).kind).toBe('failed');
});

test('calls of one device do not overlap', async () => {
  const bench = await devices.open({ rows: [...SYSTEM_ROWS, ...interfaceRows([plain(1)])] });
  const [system, rows, again] = await Promise.all([
    bench.reader.system(soon()),
    bench.reader.interfaces(true, soon()),
    bench.reader.system(soon()),
  ]);
  expect([system.kind, rows.kind, again.kind]).toEqual(['answered', 'answered', 'answered']);
  const { requests } = bench.agent;
  expect(requests[0]?.tag).toBe(requests.at(-1)?.tag);
});

test('closing a reader ends the call under way', async () => {
  const bench = await devices.open({ rows: SYSTEM_ROWS, twist: () => [] }, 5_000);
  const waiting = bench.reader.system(soon(10_000));
  const started = performance.now();
  setImmediate(() => bench.reader.close());
  expect((await waiting).kind).toBe('failed');
  expect(performance.now() - started).toBeLessThan(2_000);
  expect((await bench.reader.system(soon())).kind).toBe('failed');
});

test('a closed port is unreachable, not silence', async () => {
  const agent = await startFakeAgent();
  await agent.close();
  const engine = createSnmpEngine();
  const reader = engine.open(
    { address: '127.0.0.1', port: agent.port, timeout: 200 },
    { version: '2c', community: 'public' },
  );
  expect(await reader.system(soon())).toMatchObject({
    kind: 'failed',
    failure: { kind: 'unreachable' },
  });
  engine.close();
});

test('agents that call one unknown object an error for all still tell the system group', async () => {
  const bench = await devices.open({
    rows: SYSTEM_ROWS,
    twist: ({ oids }, reply) =>
      oids.length > 4 ? { ...reply, errorStatus: 2, errorIndex: 5 } : reply,
  });
  expect(await bench.reader.system(soon())).toMatchObject({ value: { name: 'edge-1' } });
});
