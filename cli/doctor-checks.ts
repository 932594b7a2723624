import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

/** One line of the doctor: what was looked at, how it is, and what mends it. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly fix?: string;
}

const MB = 1024 * 1024;

export function checkNode(version: string): Check {
  const name = 'Node';
  const major = Number(/^v(\d+)\./.exec(version)?.[1]);
  if (major >= 24) return { name, state: 'ok', text: version };
  const fix = 'npm ci brings Node 26; run vedette by npm run vedette -- …';
  return { name, state: 'fail', text: `${version} is too old: Vedette needs 24 or later`, fix };
}

/** ICMP as the engine would open it, tried for real on loopback. */
export async function checkEcho(): Promise<Check[]> {
  const { echoCapabilities } = await import('../agent/adapters/icmp/capabilities.ts');
  const { families, stamp, because, fixes } = await echoCapabilities();
  const fix = fixes.length === 0 ? undefined : fixes.join('   or   ');
  const icmp = families.map(({ family, icmp: engine }): Check => {
    const name = `ICMP over IPv${family}`;
    if (engine === 'raw sockets' || engine === 'datagram sockets') {
      return { name, state: 'ok', text: `${engine}, kernel time stamps` };
    }
    // A machine without IPv6 lacks nothing that a command could mend.
    const state = engine === 'absent' && family === 4 ? 'fail' : 'warn';
    const text =
      engine === 'absent'
        ? 'absent: nothing is pinged, and nothing is called down for it'
        : 'by the ping program: coarse, one process per echo';
    return { name, state, text, ...(fix !== undefined && { fix }) };
  });
  const stampCheck: Check =
    stamp === 'kernel stamps'
      ? { name: 'STAMP', state: 'ok', text: 'kernel time stamps' }
      : {
          name: 'STAMP',
          state: 'warn',
          text: `coarse time stamps: ${because ?? 'no socket thread'}`,
        };
  return [...icmp, stampCheck];
}

export function checkPing(path: string | undefined): Check {
  const name = 'ping program';
  const folders = [...(path ?? '').split(delimiter), '/usr/bin', '/bin', '/sbin'];
  const found = folders.find((folder) => folder !== '' && existsSync(join(folder, 'ping')));
  if (found !== undefined) return { name, state: 'ok', text: join(found, 'ping') };
  return {
    name,
    state: 'warn',
    text: 'not installed; only needed where sockets are not permitted',
    fix: 'apt-get install iputils-ping (or your system’s package)',
  };
}

/** One descriptor per SNMP device, and some. */
export function checkOpenFiles(limits: string | undefined): Check {
  const name = 'open files';
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? '');
  if (match === null) return { name, state: 'ok', text: 'the limit cannot be read here' };
  const limit = match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1]);
  if (limit >= 4096) return { name, state: 'ok', text: `ulimit -n is ${match[1]}` };
  return {
    name,
    state: 'warn',
    text: `ulimit -n is ${limit}: enough for about ${Math.max(0, limit - 100)} SNMP devices`,
    fix: 'ulimit -n 16384, or LimitNOFILE=16384 in the unit',
  };
}

export const readLimits = (): string | undefined => readText('/proc/self/limits');

/** Bursts of answers from a thousand devices wait in it. */
export function checkReceiveBuffer(text: string | undefined): Check {
  const name = 'UDP receive buffer';
  const bytes = Number(text);
  if (text === undefined || !(bytes > 0)) {
    return { name, state: 'ok', text: 'the limit cannot be read here' };
  }
  const size = `net.core.rmem_max is ${Math.round(bytes / 1024)} KiB`;
  if (bytes >= MB) return { name, state: 'ok', text: size };
  return {
    name,
    state: 'warn',
    text: `${size}: enough for about 1,000 targets`,
    fix: 'sudo sysctl -w net.core.rmem_max=4194304',
  };
}

export const readReceiveBuffer = (): string | undefined =>
  readText('/proc/sys/net/core/rmem_max')?.trim();

/** Looks only: a folder made here, by this user, might be one that the agent's user cannot write. */
export function checkStateFolder(path: string): Check {
  const name = 'state folder';
  const nearest = nearestFolder(path);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    const text = nearest === resolve(path) ? path : `${path} (will be made)`;
    return { name, state: 'ok', text };
  } catch (cause) {
    const fix = 'make it writable for this user, or choose another with --state';
    return { name, state: 'fail', text: `${path}: ${(cause as Error).message}`, fix };
  }
}

/** The spool takes up to 256 MiB, and twice that for a moment when its id changes. */
export function checkDisk(path: string): Check {
  const name = 'free disk';
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(nearestFolder(path));
    free = bavail * bsize;
  } catch (cause) {
    return { name, state: 'warn', text: `cannot be told: ${(cause as Error).message}` };
  }
  const text = `${Math.round(free / MB)} MiB free for the spool`;
  if (free >= 512 * MB) return { name, state: 'ok', text };
  const state = free >= 64 * MB ? 'warn' : 'fail';
  return { name, state, text, fix: 'free some space: a full spool drops its oldest measurements' };
}

/** The path itself, or the lowest folder above it that exists. */
function nearestFolder(path: string): string {
  let nearest = resolve(path);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}

/** Whether the machine's clock is kept right, as far as the system says. */
export function checkClockSource(): Check {
  const name = 'clock';
  try {
    const answer = execFileSync('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 2_000,
    });
    if (answer.toString().trim() === 'yes') return { name, state: 'ok', text: 'kept by NTP' };
    const fix = 'sudo timedatectl set-ntp true';
    return { name, state: 'warn', text: 'not synchronised by NTP', fix };
  } catch {
    return { name, state: 'ok', text: 'compared with a server only by --server' };
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
