import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openEchoEngine } from '../../agent/adapters/icmp/echo-engine.ts';
import { createCoarseStamp } from '../../agent/adapters/stamp-dgram/coarse-stamp.ts';
import type { EchoEngine, EchoRequest, Reflector } from '../../agent/ports/echo.ts';
import { durationMs } from '../../protocol/model/units.ts';
import {
  errorEstimateOf,
  readStampReply,
  reflectStampRequest,
  writeStampRequest,
} from '../../protocol/wire/stamp-packet.ts';

interface Engines {
  readonly stamp: EchoEngine;
  openReflector(config: {
    address: string;
    port: number;
    peers: readonly string[];
  }): Promise<Reflector>;
}

const ENGINES: [string, () => Promise<Engines & { close(): Promise<void> }>][] = [
  [
    'node:dgram',
    async () => {
      const engines = createCoarseStamp();
      return { ...engines, close: () => engines.stamp.close() };
    },
  ],
];
if (process.platform === 'linux') {
  ENGINES.push([
    'the socket thread',
    async () => {
      const { icmp, stamp, openReflector } = await openEchoEngine();
      const close = async (): Promise<void> => {
        await icmp.close();
        await stamp.close();
      };
      return { stamp, openReflector, close };
    },
  ]);
}

const ERROR = errorEstimateOf(0.001, true);
const request = (port: number, rest: Partial<EchoRequest> = {}): EchoRequest => ({
  kind: 'stamp',
  address: '127.0.0.1',
  port,
  count: 3,
  spacing: durationMs(10),
  timeout: durationMs(250),
  ...rest,
});
const now = (): { seconds: number; nanoseconds: number } => ({
  seconds: Math.floor(Date.now() / 1000),
  nanoseconds: (Date.now() % 1000) * 1e6,
});
const isLost = (rtts: Float64Array): boolean[] => Array.from(rtts, Number.isNaN);

describe.each(ENGINES)('STAMP by %s', (_, open) => {
  let engines: Awaited<ReturnType<typeof open>>;
  const toClose: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    engines = await open();
  });
  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
  });
  afterAll(() => engines.close());

  const reflect = async (peers: readonly string[], address = '127.0.0.1'): Promise<number> => {
    const reflector = await engines.openReflector({ address, port: 0, peers });
    toClose.push(() => reflector.close());
    return reflector.port;
  };
  /** A reflector of our own making, which may do anything. */
  const serve = async (
    onPacket: (view: DataView, from: RemoteInfo, socket: Socket) => void,
  ): Promise<number> => {
    const socket = createSocket('udp4');
    socket.on('message', (octets, from) => {
      onPacket(new DataView(octets.buffer, octets.byteOffset, octets.byteLength), from, socket);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    toClose.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    return socket.address().port;
  };
  const answer = (view: DataView): Uint8Array => {
    reflectStampRequest(view, { receivedAt: now(), sentAt: now() }, ERROR, 64);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  };

  test('a round has round trips and one-way delays of all its packets', async () => {
    const port = await reflect(['127.0.0.1']);
    const round = await engines.stamp.measure(request(port, { count: 5 }));
    expect(round.sent).toBe(5);
    for (const figures of [round.rttMs, round.forwardMs!, round.backwardMs!]) {
      expect(isLost(figures)).toEqual(Array(5).fill(false));
    }
    expect(Math.max(...round.rttMs)).toBeLessThan(250);
    expect(Math.min(...round.rttMs)).toBeGreaterThanOrEqual(0);
    expect(round.unsent).toBeUndefined();
    expect(Math.abs(round.startedAt - Date.now())).toBeLessThan(10_000);
  });

  test('IPv6 works as IPv4 does', async () => {
    const port = await reflect(['::1'], '::1');
    const round = await engines.stamp.measure(request(port, { address: '::1' }));
    expect(isLost(round.rttMs)).toEqual([false, false, false]);
  });

  test('a reflector on all addresses answers from the one that was asked', async () => {
    const port = await reflect(['127.0.0.1'], '0.0.0.0');
    const round = await engines.stamp.measure(request(port, { address: '127.0.0.1' }));
    expect(isLost(round.rttMs)).toEqual([false, false, false]);
  });

  test('who is not a listed peer gets no answer', async () => {
    const port = await reflect(['127.0.0.2']);
    const refused = await engines.stamp.measure(request(port));
    expect(isLost(refused.rttMs)).toEqual([true, true, true]);
    expect(isLost(refused.forwardMs!)).toEqual([true, true, true]);
    const served = await engines.stamp.measure(request(port, { source: '127.0.0.2' }));
    expect(isLost(served.rttMs)).toEqual([false, false, false]);
  });

  test('the reflector answers as much as it was asked, and malformed packets not at all', async () => {
    const port = await reflect(['127.0.0.1']);
    const client = createSocket('udp4');
    toClose.push(() => new Promise<void>((resolve) => client.close(() => resolve())));
    const answers: Buffer[] = [];
    client.on('message', (octets) => answers.push(octets));
    const send = (octets: Uint8Array): void => client.send(octets, port, '127.0.0.1');
    const ask = (bytes: number, sequence: number): Uint8Array => {
      const view = new DataView(new ArrayBuffer(bytes));
      writeStampRequest(view, { sequence, sentAt: now(), error: ERROR });
      return new Uint8Array(view.buffer);
    };
    send(new Uint8Array(0));
    send(ask(44, 1).slice(0, 43));
    const reflected = ask(44, 2);
    reflectStampRequest(
      new DataView(reflected.buffer),
      { receivedAt: now(), sentAt: now() },
      ERROR,
      1,
    );
    send(reflected);
    // Longer than any buffer: a cut packet must not be answered shorter than it was.
    send(ask(9000, 3));
    send(ask(1472, 4));
    send(ask(44, 5));
    await expect.poll(() => answers.at(-1)?.readUInt32BE(24)).toBe(5);
    const seen = answers.map((octets) => [octets.readUInt32BE(24), octets.length]);
    expect(seen.filter(([sequence]) => sequence !== 3)).toEqual([
      [4, 1472],
      [5, 44],
    ]);
    for (const [sequence, length] of seen) if (sequence === 3) expect(length).toBe(9000);
    const reply = readStampReply(
      new DataView(answers.at(-1)!.buffer, answers.at(-1)!.byteOffset, 44),
    );
    expect(reply?.receivedAt.seconds).toBeGreaterThan(1_700_000_000);
  });

  test('doubled, forged, cut and late answers are never counted', async () => {
    const port = await serve((view, from, socket) => {
      const sequence = view.getUint32(0);
      const good = answer(view);
      const send = (octets: Uint8Array): void => socket.send(octets, from.port, from.address);
      send(good.slice(0, 43));
      const forged = good.slice();
      // By 15 µs at least: the lowest octet may be less than the nanosecond that is compared.
      forged[33] = (forged[33] as number) ^ 0xff;
      send(forged);
      const foreign = good.slice();
      foreign[34] = (foreign[34] as number) ^ 0x40;
      foreign[27] = 200;
      send(foreign);
      send(new Uint8Array(200));
      if (sequence % 3 === 1) return;
      if (sequence % 3 === 2) {
        const timer = setTimeout(send, 330, good);
        toClose.unshift(async () => clearTimeout(timer));
        return;
      }
      for (let times = 0; times < 5; times += 1) send(good);
    });
    const round = await engines.stamp.measure(request(port));
    expect(round.sent).toBe(3);
    expect(isLost(round.rttMs)).toEqual([false, true, true]);
  });

  test('an answer from another port than was asked is not counted', async () => {
    const stranger = createSocket('udp4');
    toClose.push(() => new Promise<void>((resolve) => stranger.close(() => resolve())));
    const port = await serve((view, from) => stranger.send(answer(view), from.port, from.address));
    const round = await engines.stamp.measure(request(port, { count: 1 }));
    expect(isLost(round.rttMs)).toEqual([true]);
  });

  test('a reflector whose clock is years off gives round trips, and raw one-way delays', async () => {
    const port = await serve((view, from, socket) => {
      const at = { seconds: now().seconds - 100_000_000, nanoseconds: 0 };
      reflectStampRequest(
        view,
        { receivedAt: at, sentAt: { ...at, nanoseconds: 1000 } },
        ERROR,
        64,
      );
      const octets = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      socket.send(octets, from.port, from.address);
    });
    const round = await engines.stamp.measure(request(port, { count: 1 }));
    expect(round.rttMs[0]).toBeLessThan(250);
    expect(round.forwardMs![0]).toBeLessThan(-99_999_000_000);
    expect(round.backwardMs![0]).toBeGreaterThan(99_999_000_000);
  });

  test('a reflector that claims to have kept the packet for hours does not make a negative figure', async () => {
    const port = await serve((view, from, socket) => {
      const sentAt = { seconds: now().seconds + 7200, nanoseconds: 0 };
      reflectStampRequest(view, { receivedAt: now(), sentAt }, ERROR, 64);
      const octets = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      socket.send(octets, from.port, from.address);
    });
    const round = await engines.stamp.measure(request(port, { count: 1 }));
    expect(round.rttMs[0]).toBeGreaterThanOrEqual(0);
    expect(round.rttMs[0]).toBeLessThan(250);
  });

  test('where nobody listens everything is lost, and the refusal names who refused', async () => {
    const port = await serve(() => {});
    for (const close of toClose.splice(0)) await close();
    const round = await engines.stamp.measure(request(port));
    expect(isLost(round.rttMs)).toEqual([true, true, true]);
    expect(round.unreachableFrom).toBe('127.0.0.1');
  });

  test('silence is told once, long before the timeout; an answer tells nothing', async () => {
    const port = await serve(() => {});
    const startedAt = performance.now();
    const told: number[] = [];
    const onSuspect = (): void => {
      told.push(performance.now() - startedAt);
    };
    await engines.stamp.measure(
      request(port, { timeout: durationMs(700), suspectAfter: durationMs(50), onSuspect }),
    );
    expect(told.length).toBe(1);
    expect(told[0]).toBeGreaterThanOrEqual(49);
    expect(told[0]).toBeLessThan(500);
    const good = await reflect(['127.0.0.1']);
    await engines.stamp.measure(request(good, { suspectAfter: durationMs(200), onSuspect }));
    expect(told.length).toBe(1);
  });

  test.each(['', 'router1', '300.1.1.1'])('"%s" is a bad address, not a loss', async (address) => {
    const round = await engines.stamp.measure(request(862, { address }));
    expect(round).toMatchObject({ sent: 0, unsent: { because: 'bad-address' } });
    expect(round.rttMs.length).toBe(0);
  });

  test('a source address of the other family, or of another machine, is told and not a loss', async () => {
    const foreign = await engines.stamp.measure(request(862, { source: '198.51.100.1' }));
    expect(foreign).toMatchObject({ sent: 0, unsent: { because: 'no-route' } });
    const crossed = await engines.stamp.measure(request(862, { source: '::1' }));
    expect(crossed.sent).toBe(0);
    expect(crossed.unsent).toBeDefined();
  });

  test('a bad address, a bad peer and a taken port are refused with the reason', async () => {
    const port = await reflect(['127.0.0.1']);
    const open = (address: string, peers: readonly string[], on = 0): Promise<Reflector> =>
      engines.openReflector({ address, port: on, peers });
    await expect(open('nowhere', [])).rejects.toThrow('nowhere');
    await expect(open('127.0.0.1', ['10.0.0.0/8'])).rejects.toThrow('10.0.0.0/8');
    await expect(open('127.0.0.1', [], port)).rejects.toThrow(String(port));
  });

  test('many rounds at once keep their answers apart', async () => {
    const port = await reflect(['127.0.0.1']);
    const rounds = await Promise.all(
      Array.from({ length: 100 }, () => engines.stamp.measure(request(port, { count: 2 }))),
    );
    expect(rounds.every(({ rttMs }) => isLost(rttMs).every((lost) => !lost))).toBe(true);
  });
});

describe.each(ENGINES)('closing STAMP by %s', (_, open) => {
  test('resolves what is under way as closed, and refuses what comes after', async () => {
    const engines = await open();
    const pending = engines.stamp.measure(request(9, { timeout: durationMs(60_000) }));
    await engines.close();
    expect(await pending).toMatchObject({ sent: 0, unsent: { because: 'closed' } });
    const late = await engines.stamp.measure(request(9));
    expect(late).toMatchObject({ sent: 0, unsent: { because: 'closed' } });
    await engines.close();
  });
});

test('the coarse engine says so by its name, and refuses a DSCP that it cannot set', async () => {
  const { stamp } = createCoarseStamp();
  expect(stamp.name).toContain('coarse');
  expect(stamp.note).toBeDefined();
  const round = await stamp.measure(request(862, { dscp: 46 }));
  expect(round.unsent?.because).toBe('no-permission');
  await stamp.close();
});
