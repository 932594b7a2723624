import { spawn } from 'node:child_process';
import { isIP, isIPv6 } from 'node:net';
import { epochMs } from '../../../protocol/model/units.ts';
import type { EchoEngine, EchoRequest, EchoRound, Unsent } from '../../ports/echo.ts';
import { type PingCommand, pingCommandOf } from './ping-command.ts';
import { createPingOutput, type PingOutput } from './ping-output.ts';

/** A process per round: this many at once, as many again may wait. */
const MAX_PROCESSES = 128;
const MAX_WAITING = 128;
/** What the program may take beside its echoes before it is stopped. */
const GRACE_MS = 2_000;

/** The portable second engine: the system's `ping` program. Costs a process per round. */
export function createPingEngine(platform: string = process.platform): EchoEngine {
  const running = new Set<AbortController>();
  const waiting: (() => void)[] = [];
  let turns = 0;
  let isClosed = false;

  const takeTurn = async (): Promise<boolean> => {
    if (turns >= MAX_PROCESSES && waiting.length >= MAX_WAITING) return false;
    // Counted before anything is awaited, or all that ask in one go would find the place free.
    if (turns < MAX_PROCESSES) turns += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return true;
  };

  /** Hands the turn to who waits longest. */
  const endTurn = (): void => {
    const next = waiting.shift();
    if (next === undefined) turns -= 1;
    else next();
  };

  const run = async (request: EchoRequest, command: PingCommand): Promise<EchoRound> => {
    const stop = new AbortController();
    running.add(stop);
    try {
      return await runPing(request, command, platform, stop.signal);
    } finally {
      running.delete(stop);
    }
  };

  return {
    name: 'ping program',
    async measure(request) {
      if (isIP(request.address) === 0) {
        return unsentRound('bad-address', `not an IP address: ${request.address}`);
      }
      let command: PingCommand;
      try {
        command = pingCommandOf({ ...request, isIpv6: isIPv6(request.address) }, platform);
      } catch (error) {
        return unsentRound('no-permission', error instanceof Error ? error.message : 'no ping');
      }
      if (!(await takeTurn())) {
        return unsentRound('busy', 'the ping program is for few targets: too many rounds at once');
      }
      try {
        const round = isClosed ? undefined : await run(request, command);
        if (round !== undefined && !isClosed) return round;
        return unsentRound('closed', 'the echo engine is closed');
      } finally {
        endTurn();
      }
    },
    async close() {
      isClosed = true;
      for (const stop of running) stop.abort();
    },
  };
}

/** Does the system's program work for this family? Asks it to reach loopback. */
export async function canPing(
  isIpv6: boolean,
  platform: string = process.platform,
): Promise<boolean> {
  const engine = createPingEngine(platform);
  const round = await engine.measure({
    kind: 'icmp',
    address: isIpv6 ? '::1' : '127.0.0.1',
    count: 1,
    spacing: 1000 as EchoRequest['spacing'],
    timeout: 1000 as EchoRequest['timeout'],
  });
  return round.rttMs.some((ms) => ms >= 0);
}

const unsentRound = (because: Unsent['because'], text: string): EchoRound => ({
  startedAt: epochMs(Date.now()),
  sent: 0,
  rttMs: new Float64Array(0),
  unsent: { because, text },
});

async function runPing(
  request: EchoRequest,
  command: PingCommand,
  platform: string,
  stop: AbortSignal,
): Promise<EchoRound> {
  const { count, timeout } = request;
  const startedAt = epochMs(Date.now());
  const output = createPingOutput(count, platform !== 'win32', platform === 'linux' ? 1 : 0);
  const longest = count * command.spacing + timeout + GRACE_MS;
  const suspicion = watchSilence(request, command, output);
  const stopAll = AbortSignal.any([stop, AbortSignal.timeout(longest)]);
  const failure = await runToEnd(command, output, stopAll);
  clearInterval(suspicion);
  if (failure !== undefined) return unsentRound(failure.because, failure.text);
  const figures = output.figures();
  const rttMs = figures.rttMs.map((ms) => (ms <= timeout ? ms : Number.NaN));
  return { startedAt, ...figures, rttMs };
}

/** Runs the program to its end; tells why it could not run. */
function runToEnd(
  command: PingCommand,
  output: PingOutput,
  signal: AbortSignal,
): Promise<Unsent | undefined> {
  const unable = ({ message }: Error): Unsent => ({
    because: 'no-permission',
    text: `the ping program does not run: ${message}`,
  });
  return new Promise((resolve) => {
    try {
      const child = spawn(command.program, command.arguments, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, LC_ALL: 'C', LANG: 'C' },
        signal,
        killSignal: 'SIGKILL',
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => output.feed(chunk));
      }
      child.once('error', (error) => {
        if (error.name !== 'AbortError') resolve(unable(error));
      });
      child.once('close', () => resolve(undefined));
    } catch (error) {
      // Some refusals are thrown: EPERM, where a service manager withholds a right that ping's file has.
      resolve(unable(error as Error));
    }
  });
}

const LOOK_EVERY_MS = 50;

/** Tells a silence while the program runs: echo n leaves at about n times the spacing. */
function watchSilence(
  { suspectAfter, onSuspect, count }: EchoRequest,
  { spacing }: PingCommand,
  output: PingOutput,
): NodeJS.Timeout | undefined {
  if (suspectAfter === undefined || onSuspect === undefined) return undefined;
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const overdue = Math.floor((performance.now() - startedAt - suspectAfter) / spacing) + 1;
    if (output.answered >= Math.min(count, overdue)) return;
    clearInterval(timer);
    onSuspect();
  }, LOOK_EVERY_MS);
  return timer;
}
