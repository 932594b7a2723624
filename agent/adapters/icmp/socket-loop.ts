import type { Unsent } from '../../ports/echo.ts';
import { COOKIE_BYTES } from './echo-packet.ts';
import { createIcmpProbe } from './icmp-probe.ts';
import type { Libc } from './libc.ts';
import type { FromWorker, IcmpModes, ReflectorOrder, RoundOrder, ToWorker } from './messages.ts';
import { createOutbox } from './outbox.ts';
import { createPollSet } from './poll-set.ts';
import type { PacketProbe } from './probe-deps.ts';
import { createRandomWords } from './random-words.ts';
import { createReceiveRing } from './receive-ring.ts';
import { createReflector, type OpenReflector } from './reflector.ts';
import type { Round } from './round.ts';
import { createRoundTable } from './round-table.ts';
import { sendNext } from './send-next.ts';
import { createSenderSockets } from './sender-sockets.ts';
import { isOneDevice, parseAddress } from './socket-address.ts';
import { createStampProbe } from './stamp-probe.ts';
import { createWallClock } from './wall-clock.ts';

export interface SocketLoopDeps {
  readonly libc: Libc;
  readonly modes: IcmpModes;
  /** An eventfd that main writes to after it has posted something. */
  readonly wakeFd: number;
  readonly receive: () => ToWorker | undefined;
  readonly post: (message: FromWorker, transfer: readonly ArrayBuffer[]) => void;
}

/** Longest sleep: how long `process.exit` may wait for a thread that was not closed first. */
const MAX_SLEEP_MS = 250;
/** Sends in a row before the sockets are looked at again. */
const STEPS_PER_TURN = 64;

/** Runs until main says `close`; then, or when it throws, all sockets are closed. */
export function runSocketLoop({ libc, modes, wakeFd, receive, post }: SocketLoopDeps): void {
  const pollSet = createPollSet(libc);
  const ring = createReceiveRing(libc);
  const clock = createWallClock(libc);
  const outbox = createOutbox(post);
  const randomWord = createRandomWords();
  const cookie = crypto.getRandomValues(new Uint8Array(COOKIE_BYTES));
  const reflectors = new Map<number, OpenReflector>();
  let isClosing = false;

  const probeOf = (round: Round): PacketProbe => (round.order.kind === 'icmp' ? icmp : stamp);
  const table = createRoundTable({
    randomWord,
    onSend: (round, now) => sendNext(round, probeOf(round), now),
    onSuspect: (round) => outbox.suspect(round.order.key),
    onOver(round) {
      round.socket.inUse -= 1;
      if (round.order.kind === 'stamp') round.socket.sessions.over(round);
      outbox.add(round);
    },
  });
  const icmp = createIcmpProbe({ libc, ring, table, clock }, cookie);
  const stamp = createStampProbe({ libc, ring, table, clock });
  const sockets = createSenderSockets({
    libc,
    pollSet,
    modes,
    randomId: () => randomWord() & 0xffff,
    onReady: (socket) => (socket.transport === 'udp' ? stamp : icmp).receive(socket),
  });

  /** Opens the round, or says why it cannot be sent. */
  const begin = (order: RoundOrder, now: number): Unsent | undefined => {
    const address = parseAddress(order.address);
    if (address === undefined || !isOneDevice(address)) {
      const text = `not the IP address of one device: ${order.address}`;
      return { because: 'bad-address', text };
    }
    const choice = sockets.choose(order, address.family, now);
    if (choice.kind === 'refused') return choice.unsent;
    if (table.open(order, { address, socket: choice.socket }, now) === undefined) {
      return { because: 'busy', text: 'too many rounds are under way' };
    }
    choice.socket.inUse += 1;
    return undefined;
  };

  const measure = (orders: readonly RoundOrder[]): void => {
    const now = performance.now();
    for (const order of orders) {
      const unsent = begin(order, now);
      if (unsent !== undefined) outbox.refuse(order, unsent);
    }
  };

  const reflect = (order: ReflectorOrder): void => {
    try {
      if (pollSet.isFull) throw new Error('too many sockets are open');
      const reflector = createReflector({ libc, ring, clock }, order);
      reflectors.set(order.key, reflector);
      pollSet.add(reflector.fd, () => reflector.receive());
      post({ say: 'reflecting', key: order.key, port: reflector.port }, []);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      post({ say: 'not-reflecting', key: order.key, because }, []);
    }
  };

  const stopReflecting = (key: number): void => {
    const reflector = reflectors.get(key);
    if (reflector === undefined) return;
    reflectors.delete(key);
    pollSet.remove(reflector.fd);
    libc.close(reflector.fd);
  };

  const obey = (message: ToWorker): void => {
    switch (message.say) {
      case 'measure':
        measure(message.rounds);
        break;
      case 'reflect':
        reflect(message.order);
        break;
      case 'stop-reflecting':
        stopReflecting(message.key);
        break;
      case 'close':
        isClosing = true;
        break;
      default:
        message satisfies never;
    }
  };

  const counter = libc.allocate(8);
  const readMessages = (): void => {
    libc.read(wakeFd, counter.address, 8);
    for (let message = receive(); message !== undefined; message = receive()) obey(message);
  };
  pollSet.add(wakeFd, readMessages);

  try {
    let hasMore = false;
    while (!isClosing) {
      const rest = Math.min(table.nextDueAt, outbox.dueAt) - performance.now();
      const wokenAt = pollSet.wait(
        hasMore ? 0 : Math.max(0, Math.min(MAX_SLEEP_MS, Math.ceil(rest))),
      );
      hasMore = table.run(wokenAt, STEPS_PER_TURN);
      outbox.flush(performance.now());
    }
  } finally {
    for (const key of [...reflectors.keys()]) stopReflecting(key);
    sockets.closeAll();
  }
}
