import { findIcmpModes } from './icmp-modes.ts';
import { loadLibc } from './libc.ts';
import type { IcmpModes } from './messages.ts';
import { canPing } from './ping-engine.ts';

export interface EchoCapability {
  readonly family: 4 | 6;
  /** What ICMP would run on. */
  readonly icmp: 'raw sockets' | 'datagram sockets' | 'ping program' | 'absent';
  readonly isPingUsable: boolean;
}

export interface EchoCapabilities {
  readonly families: readonly EchoCapability[];
  /** Kernel stamps for STAMP (and ICMP), or why not. */
  readonly stamp: 'kernel stamps' | 'coarse';
  readonly because?: string;
  /** Exact lines that would mend what is missing; empty when nothing is. */
  readonly fixes: readonly string[];
}

/** Why the system refused: EPERM or EACCES. Anything else (no IPv6 here) no permission would mend. */
const isPermission = (mode: IcmpModes['v4']): boolean => mode === 1 || mode === 13;

/** One of these lines is enough; the first needs no privilege of Node itself. */
export function permissionFixes(): string[] {
  const node = /\s/.test(process.execPath) ? `'${process.execPath}'` : process.execPath;
  return [
    'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"',
    `sudo setcap cap_net_raw+ep ${node}`,
  ];
}

/** What this process could use, tried for real on loopback (for `doctor`). Opens and closes sockets. */
export async function echoCapabilities(): Promise<EchoCapabilities> {
  const [ping4, ping6] = await Promise.all([canPing(false), canPing(true)]);
  const kernel = await kernelModes();
  const modes = kernel.kind === 'modes' ? kernel.modes : undefined;
  const families = [
    { family: 4 as const, icmp: icmpName(modes?.v4, ping4), isPingUsable: ping4 },
    { family: 6 as const, icmp: icmpName(modes?.v6, ping6), isPingUsable: ping6 },
  ];
  const isRefused = modes !== undefined && (isPermission(modes.v4) || isPermission(modes.v6));
  return {
    families,
    stamp: modes === undefined ? 'coarse' : 'kernel stamps',
    ...(kernel.kind === 'unable' ? { because: kernel.because } : {}),
    fixes: isRefused ? permissionFixes() : [],
  };
}

async function kernelModes(): Promise<
  { kind: 'modes'; modes: IcmpModes } | { kind: 'unable'; because: string }
> {
  try {
    return { kind: 'modes', modes: findIcmpModes(await loadLibc()) };
  } catch (error) {
    return { kind: 'unable', because: error instanceof Error ? error.message : String(error) };
  }
}

/** The engine's name for what a family has. */
export function icmpName(
  mode: IcmpModes['v4'] | undefined,
  isPingUsable: boolean,
): EchoCapability['icmp'] {
  if (mode === 'raw') return 'raw sockets';
  if (mode === 'datagram') return 'datagram sockets';
  return isPingUsable ? 'ping program' : 'absent';
}
