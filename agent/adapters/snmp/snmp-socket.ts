import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { failure, SnmpReadError } from './snmp-error.ts';

/** What arrived on a socket so far; tells silence from answers that could not be used. */
export interface Heard {
  datagrams: number;
  undecodable: number;
}

/** The part of node:dgram that net-snmp uses, over a socket that is already connected. */
export interface SessionSocket {
  readonly heard: Heard;
  /** Called with the system's error code when the kernel reports one (ECONNREFUSED …). */
  onTrouble: (code: string) => void;
  readonly dgram: {
    createSocket(): unknown;
  };
  close(): void;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (ICMP port unreachable): does the device run SNMP?',
  EHOSTUNREACH: 'no route to the device (host unreachable)',
  ENETUNREACH: 'no route to the device (network unreachable)',
  EPERM: 'a firewall on this machine forbids it',
  EACCES: 'a firewall or route on this machine forbids it',
  EINVAL: 'the address cannot be reached from this machine',
  ENOTFOUND: 'the name does not exist',
  EAI_AGAIN: 'the name cannot be resolved now',
  EMFILE: 'too many open files: raise `ulimit -n`',
};

/** The failure behind an error code of a system call or of name resolution. */
export const unreachable = (address: string, port: number, code: string): SnmpReadError =>
  new SnmpReadError(
    failure('unreachable', `${address} port ${port}: ${UNREACHABLE[code] ?? code.toLowerCase()}`),
  );

const codeOf = (cause: unknown): string => {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown error';
};

/**
 * A UDP socket connected to one device. Connected, because only then does the kernel report ICMP port
 * unreachable and throw away datagrams of other senders. Throws `SnmpReadError` (unreachable).
 */
export async function openSessionSocket(address: string, port: number): Promise<SessionSocket> {
  try {
    const { address: numeric, family } = await lookup(address);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    try {
      await connected(socket, port, numeric);
    } catch (cause) {
      socket.close();
      throw cause;
    }
    return sessionSocket(socket);
  } catch (cause) {
    throw unreachable(address, port, codeOf(cause));
  }
}

function connected(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, address, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function sessionSocket(socket: Socket): SessionSocket {
  const heard: Heard = { datagrams: 0, undecodable: 0 };
  let isOpen = true;
  const close = (): void => {
    if (isOpen) socket.close();
    isOpen = false;
  };
  const session: SessionSocket = {
    heard,
    onTrouble: () => {},
    dgram: { createSocket: () => forNetSnmp },
    close,
  };
  // An 'error' event that nobody hears would end the process.
  socket.on('error', (cause) => session.onTrouble(codeOf(cause)));

  const forNetSnmp = {
    on(event: string, listener: (...args: never[]) => void): void {
      if (event === 'message') socket.on('message', guarded(listener as (bytes: Buffer) => void));
      if (event === 'close') socket.on('close', listener);
    },
    send(
      bytes: Buffer,
      offset: number,
      length: number,
      _port: number,
      _address: string,
      done: (error: Error | null, sent: number) => void,
    ): void {
      socket.send(bytes, offset, length, done);
    },
    bind: () => {},
    ref: () => isOpen && socket.ref(),
    unref: () => isOpen && socket.unref(),
    close,
  };
  return session;

  /** net-snmp throws on some hostile messages (a signed answer to an unsigned user, for one). */
  function guarded(listener: (bytes: Buffer) => void): (bytes: Buffer) => void {
    return (bytes) => {
      heard.datagrams++;
      try {
        listener(bytes);
      } catch {
        heard.undecodable++;
      }
    };
  }
}
