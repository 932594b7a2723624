import type { EchoRequest, EchoRound, Reflector, Unsent } from '../../ports/echo.ts';
import { nonsenseIn } from './check-request.ts';
import type { FromWorker, IcmpModes, ReflectorOrder, RoundOrder } from './messages.ts';
import { createPendingRounds } from './pending-rounds.ts';
import { startThread, type Thread } from './socket-thread.ts';

export interface ReflectorConfig {
  readonly address: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly peers: readonly string[];
}

export interface SocketClient {
  readonly modes: IcmpModes;
  /** Why the thread is gone for good; undefined while it works. */
  readonly failure: string | undefined;
  /** Rejects with RangeError for numbers that no round can have. */
  measure(request: EchoRequest): Promise<EchoRound>;
  /** Rejects when the address or a peer is bad, or the port is taken. */
  openReflector(config: ReflectorConfig): Promise<Reflector>;
  /** Ends one kind's rounds as closed; after both, the thread (and reflectors with it) ends too. */
  close(kind: EchoRequest['kind']): Promise<void>;
}

export interface SocketClientOptions {
  /** The thread's program; tests give one that fails. */
  readonly program?: URL;
  /** Told when the thread stopped by itself, and what follows. */
  readonly onTrouble?: (text: string) => void;
}

/** A thread that stops again this soon after its restart is not started a third time. */
const STEADY_AFTER_MS = 60_000;

interface OpenedReflector {
  readonly order: ReflectorOrder;
  /** It has answered peers before, on the port in `order`. */
  readonly isBound: boolean;
  readonly settle: { resolve(port: number): void; reject(error: Error): void };
}

/** Starts the socket thread; rejects with the reason where it cannot run. */
export async function openSocketClient(options: SocketClientOptions = {}): Promise<SocketClient> {
  const { program = new URL('./socket-worker.ts', import.meta.url), onTrouble = () => {} } =
    options;
  const pending = createPendingRounds();
  const reflectors = new Map<number, OpenedReflector>();
  let queue: RoundOrder[] = [];
  const open = new Set<EchoRequest['kind']>(['icmp', 'stamp']);
  let failure: string | undefined;
  let nextReflector = 1;

  const loseReflector = (key: number, because: string): void => {
    const lost = reflectors.get(key);
    reflectors.delete(key);
    if (lost?.isBound === true) onTrouble(`the STAMP reflector is gone: ${because}`);
    else lost?.settle.reject(new Error(because));
  };

  const hear = (message: FromWorker): void => {
    switch (message.say) {
      case 'rounds':
        pending.settle(message.figures, message.remarks);
        break;
      case 'suspects':
        for (const key of message.keys) pending.suspect(key);
        break;
      case 'reflecting':
        reflectors.get(message.key)?.settle.resolve(message.port);
        break;
      case 'not-reflecting':
        loseReflector(message.key, message.because);
        break;
      default:
    }
  };

  const start = (): Promise<Thread> => startThread(program, hear);
  let thread = await start();
  let startedAt = performance.now();

  const giveUp = (text: string): void => {
    failure = text;
    queue = [];
    pending.abandon({ because: 'busy', text });
    for (const key of [...reflectors.keys()]) loseReflector(key, text);
    onTrouble(text);
  };

  const restart = async (): Promise<void> => {
    try {
      thread = await start();
      startedAt = performance.now();
      watch(thread);
      for (const { order } of reflectors.values()) thread.tell({ say: 'reflect', order });
      onTrouble('the socket thread stopped and was started again; its rounds were not counted');
    } catch (error) {
      giveUp(`the socket thread stopped and cannot be started: ${String(error)}`);
    }
  };

  let hasRestarted = false;
  let restarting: Promise<void> | undefined;
  const onEnd = (): void => {
    if (open.size === 0) return;
    const text = 'the socket thread stopped; packets under way are not counted';
    queue = [];
    pending.abandon({ because: 'busy', text });
    if (hasRestarted && performance.now() - startedAt < STEADY_AFTER_MS) {
      giveUp('the socket thread stopped twice within a minute: no echoes until the agent restarts');
      return;
    }
    hasRestarted = true;
    restarting = restart().finally(() => {
      restarting = undefined;
      flush();
    });
  };
  const watch = (started: Thread): void => {
    started.ended.then(onEnd);
  };
  watch(thread);

  const flush = (): void => {
    if (queue.length === 0 || restarting !== undefined) return;
    thread.tell({ say: 'measure', rounds: queue });
    queue = [];
  };

  const refusal = (isOpen: boolean): Unsent | undefined => {
    if (!isOpen) return { because: 'closed', text: 'the echo engine is closed' };
    return failure === undefined ? undefined : { because: 'busy', text: failure };
  };

  return {
    get modes() {
      return thread.modes;
    },
    get failure() {
      return failure;
    },
    measure(request) {
      const refused = refusal(open.has(request.kind));
      if (refused !== undefined) return Promise.resolve(pending.unsentRound(refused));
      const nonsense = nonsenseIn(request);
      if (nonsense !== undefined) return Promise.reject(new RangeError(nonsense));
      return new Promise((resolve) => {
        // All rounds that a scheduler starts in one go travel as one message.
        if (queue.length === 0) queueMicrotask(flush);
        queue.push(pending.add(request, resolve));
      });
    },
    async openReflector({ address, port, peers }) {
      const refused = refusal(open.size > 0);
      if (refused !== undefined) throw new Error(refused.text);
      const key = nextReflector;
      nextReflector += 1;
      const bound = await new Promise<number>((resolve, reject) => {
        const order = { key, address, port, peers: [...peers] };
        reflectors.set(key, { order, isBound: false, settle: { resolve, reject } });
        if (restarting === undefined) thread.tell({ say: 'reflect', order });
      });
      // After a restart of the thread the peers still expect us on this port.
      const opened = reflectors.get(key);
      if (opened !== undefined) {
        const order = { ...opened.order, port: bound };
        reflectors.set(key, { ...opened, isBound: true, order });
      }
      return {
        port: bound,
        async close() {
          reflectors.delete(key);
          if (refusal(open.size > 0) === undefined) thread.tell({ say: 'stop-reflecting', key });
        },
      };
    },
    async close(kind) {
      open.delete(kind);
      queue = queue.filter((order) => order.kind !== kind);
      pending.abandon({ because: 'closed', text: 'the echo engine was closed' }, kind);
      if (open.size > 0) return;
      for (const { settle } of reflectors.values()) settle.reject(new Error('closed'));
      await restarting;
      if (failure === undefined) thread.tell({ say: 'close' });
      await thread.ended;
    },
  };
}
