import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One of Debian's snmpd, on a loopback port of its own, with its own state. */
export interface Snmpd {
  readonly port: number;
  readonly pid: number;
  /** Ends it and waits until it is gone; its state stays for `restart`. */
  stop(): Promise<void>;
  /** Starts it anew with the same state: engine boots go up by one. */
  restart(): Promise<void>;
  /** Ends it and removes its state. */
  remove(): Promise<void>;
}

const DEADLINE = 15_000;

/** Starts snmpd with these lines of configuration (`rocommunity public`, `createUser …`). */
export async function startSnmpd(lines: readonly string[]): Promise<Snmpd> {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-snmpd-'));
  const port = await freePort();
  // Not snmpd.conf: that is what snmpd calls the state it writes over at its end.
  const conf = join(dir, 'agent.conf');
  const log = join(dir, 'log');
  writeFileSync(conf, [`agentaddress udp:127.0.0.1:${port}`, ...lines, ''].join('\n'));
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    rmSync(log, { force: true });
    // Its own session (detached) and no pipes: whoever waits for a pipe would wait for snmpd.
    // Without -C, which would make it forget its engine boots too; it finds no other configuration here.
    const args = ['-f', '-Lf', log, '-c', conf, '-p', join(dir, 'pid')];
    child = spawn('snmpd', args, {
      detached: true,
      stdio: 'ignore',
      env: {
        PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
        SNMP_PERSISTENT_DIR: dir,
        SNMPCONFPATH: dir,
        MIBS: '',
      },
    });
    await until(() => isBound(port), 'snmpd did not start', readLog);
  }

  const readLog = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');

  async function stop(): Promise<void> {
    const pid = child?.pid;
    if (pid === undefined) return;
    child = undefined;
    if (isAlive(pid)) process.kill(pid, 'SIGTERM');
    await until(async () => !isAlive(pid), 'snmpd did not stop', readLog);
  }

  await start();
  return {
    port,
    get pid() {
      return child?.pid ?? -1;
    },
    stop,
    async restart() {
      await stop();
      await start();
    },
    async remove() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(isSo: () => Promise<boolean>, text: string, log: () => string): Promise<void> {
  const deadline = performance.now() + DEADLINE;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${text}: ${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Its log says "started" before it listens; only a closed port answers "refused". */
function isBound(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (isOpen: boolean): void => {
      clearTimeout(timer);
      socket.close();
      resolve(isOpen);
    };
    const timer = setTimeout(finish, 50, true);
    socket.once('error', () => finish(false));
    socket.connect(port, '127.0.0.1', () => socket.send('?'));
  });
}

/** A UDP port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
