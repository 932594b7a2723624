import { expect, test } from 'vitest';
import {
  createRound,
  type Round,
  recordAnswer,
  recordSent,
} from '../../agent/adapters/icmp/round.ts';
import { parseAddress } from '../../agent/adapters/icmp/socket-address.ts';
import {
  createStampSessions,
  type StampSessions,
} from '../../agent/adapters/icmp/stamp-sessions.ts';

function createStampRound(sessions: StampSessions, address = '10.0.0.1', port = 862): Round {
  const order = { key: 1, kind: 'stamp', address, port, count: 5, spacing: 1, timeout: 9 } as const;
  const socket = {
    fd: -1,
    transport: 'udp',
    family: 4,
    port: 1,
    sessions,
    inUse: 0,
    lastUsedAt: 0,
  } as const;
  const way = { address: parseAddress(address)!, socket };
  return createRound(order, way, { slot: 0, nonce: 0 }, 0);
}

function send(sessions: StampSessions, round: Round): number {
  const sequence = sessions.nextSequence(round);
  recordSent(round, { seconds: 1, nanoseconds: 1, steadyMs: 0, sequence });
  sessions.sent(round, round.sent - 1);
  return sequence;
}

test('each reflector is a session of its own, counted from 0 without gaps over all rounds', () => {
  const sessions = createStampSessions();
  const rounds = ['10.0.0.1', '10.0.0.1', '10.0.0.2'].map((a) => createStampRound(sessions, a));
  const other = createStampRound(sessions, '10.0.0.1', 8620);
  const [first, second, third] = rounds as [Round, Round, Round];
  expect([first, second, third, first, other].map((r) => send(sessions, r))).toEqual([
    0, 1, 0, 2, 0,
  ]);
});

test('a number is used up only by a packet that left', () => {
  const sessions = createStampSessions();
  const round = createStampRound(sessions);
  expect(sessions.nextSequence(round)).toBe(0);
  expect(sessions.nextSequence(round)).toBe(0);
  send(sessions, round);
  expect(sessions.nextSequence(round)).toBe(1);
});

test('an answer is found once, by address, port and number together', () => {
  const sessions = createStampSessions();
  const round = createStampRound(sessions);
  const { octets } = round.address;
  const sequence = send(sessions, round);
  expect(sessions.find(octets, 862, sequence)).toEqual({ round, index: 0 });
  expect(sessions.find(octets, 863, sequence)).toBeUndefined();
  expect(sessions.find(Uint8Array.of(10, 0, 0, 2), 862, sequence)).toBeUndefined();
  expect(sessions.find(octets, 862, 7)).toBeUndefined();
  sessions.answered(round, 0);
  expect(sessions.find(octets, 862, sequence)).toBeUndefined();
});

test('a round that is over waits for nothing, and others of the session still do', () => {
  const sessions = createStampSessions();
  const [gone, stays] = [createStampRound(sessions), createStampRound(sessions)];
  const { octets } = gone.address;
  for (const round of [gone, gone, stays]) send(sessions, round);
  recordAnswer(gone, 0, 1);
  sessions.answered(gone, 0);
  expect(sessions.waiting(octets, 862)).toEqual([gone, stays]);
  sessions.over(gone);
  expect(sessions.waiting(octets, 862)).toEqual([stays]);
  expect(sessions.waiting(octets, 863)).toEqual([]);
});

test('ten thousands of reflectors do not pile up, and those that wait are not forgotten', () => {
  const sessions = createStampSessions();
  const waiting = createStampRound(sessions, '10.9.9.9');
  send(sessions, waiting);
  for (let port = 1; port <= 25_000; port += 1) {
    const round = createStampRound(sessions, '10.0.0.1', port);
    send(sessions, round);
    sessions.over(round);
  }
  expect(sessions.nextSequence(createStampRound(sessions, '10.0.0.1', 1))).toBe(0);
  expect(sessions.nextSequence(createStampRound(sessions, '10.0.0.1', 25_000))).toBe(1);
  expect(sessions.find(waiting.address.octets, 862, 0)?.round).toBe(waiting);
});
