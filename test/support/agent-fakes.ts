import type { Clock } from '../../agent/ports/clock.ts';
import type { EchoEngine, EchoRequest, EchoRound } from '../../agent/ports/echo.ts';
import type { Log } from '../../agent/ports/log.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';

/** Epoch time at which a fake clock starts. */
export const FAKE_START = 1_700_000_000_000;

export interface FakeClock extends Clock {
  /** Runs timers in order, each followed by the promises it wakes. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock only. */
  setWall(ms: number): void;
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await Promise.resolve();
};

export function createFakeClock(): FakeClock {
  let elapsed = 0;
  let wall = FAKE_START;
  let order = 0;
  const timers = new Map<number, { at: number; call: () => void }>();
  return {
    now: () => epochMs(wall + elapsed),
    elapsed: () => elapsed,
    after(wait, call) {
      const id = order++;
      timers.set(id, { at: elapsed + wait, call });
      return () => timers.delete(id);
    },
    setWall(ms) {
      wall += ms;
    },
    async advance(ms) {
      const end = elapsed + ms;
      await settle();
      for (;;) {
        const next = [...timers]
          .filter(([, timer]) => timer.at <= end)
          .sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
        if (next === undefined) break;
        timers.delete(next[0]);
        elapsed = Math.max(elapsed, next[1].at);
        next[1].call();
        await settle();
      }
      elapsed = end;
      await settle();
    },
  };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly sentence: string;
}

export function createFakeLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object, sentence: string) =>
    void lines.push({ level, fields, sentence });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** An echo engine on a fake clock; `rttOf` says what becomes of a packet sent at `elapsed`: ms, or NaN. */
export function createFakeEchoEngine(
  clock: Clock,
  rttOf: (elapsed: number, request: EchoRequest) => number,
): EchoEngine & { readonly requests: EchoRequest[]; unsent: EchoRound['unsent'] } {
  const requests: EchoRequest[] = [];
  const engine = {
    name: 'fake',
    requests,
    unsent: undefined as EchoRound['unsent'],
    measure: (request: EchoRequest) =>
      new Promise<EchoRound>((resolve) => {
        requests.push(request);
        const startedAt = clock.now();
        if (engine.unsent !== undefined) {
          resolve({ startedAt, sent: 0, rttMs: new Float64Array(0), unsent: engine.unsent });
          return;
        }
        const rttMs = new Float64Array(request.count);
        let open = request.count;
        let isSuspected = false;
        const done = (index: number, rtt: number): void => {
          rttMs[index] = rtt;
          open -= 1;
          if (open === 0) resolve({ startedAt, sent: request.count, rttMs });
        };
        const suspect = (): void => {
          if (!isSuspected) request.onSuspect?.();
          isSuspected = true;
        };
        const send = (index: number): void => {
          const rtt = rttOf(clock.elapsed(), request);
          const suspectAfter = request.suspectAfter ?? Number.POSITIVE_INFINITY;
          const isSuspect = Number.isNaN(rtt) || rtt > suspectAfter;
          if (isSuspect && suspectAfter < request.timeout) {
            clock.after(durationMs(suspectAfter), suspect);
          }
          const isLost = Number.isNaN(rtt) || rtt > request.timeout;
          clock.after(isLost ? request.timeout : durationMs(rtt), () =>
            done(index, isLost ? Number.NaN : rtt),
          );
        };
        for (let i = 0; i < request.count; i++) {
          clock.after(durationMs(i * request.spacing), () => send(i));
        }
      }),
    close: async () => undefined,
  };
  return engine;
}
