import { type Arrival, readControl } from './control-message.ts';
import type { Libc } from './libc.ts';
import { EAGAIN, MSG_DONTWAIT, MSG_TRUNC } from './linux.ts';
import { sockaddrOctets } from './socket-address.ts';

/** Packets taken by one `recvmmsg`. */
const MESSAGES = 32;
const PACKET_BYTES = 2048;
const NAME_BYTES = 32;
const CONTROL_BYTES = 192;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;

export interface Received {
  /** The packet, in memory that the next receive overwrites. */
  readonly packet: DataView<ArrayBuffer>;
  /** Where the packet lies, for a reply in place. */
  readonly packetAddress: number;
  /** Octets and port of the other end (from the error queue: of the first destination). */
  readonly peer: Uint8Array | undefined;
  readonly peerPort: number;
  readonly nameAddress: number;
  readonly nameBytes: number;
  readonly isTruncated: boolean;
  readonly arrival: Arrival;
}

export interface ReceiveRing {
  /**
   * Shows every waiting packet to `visit`, with the steady time of taking it; ends when none waits, or
   * after MAX_RECEIVES system calls: a flood must not keep the thread from sending.
   */
  drain(fd: number, flags: number, visit: (received: Received, steadyMs: number) => void): void;
}

const MAX_RECEIVES = 128;

/**
 * Buffers for `recvmmsg`, reused for every socket of the thread. Struct mmsghdr on 64-bit Linux:
 * name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48, len 56.
 */
export function createReceiveRing(libc: Libc): ReceiveRing {
  const headersAt = 0;
  const vectorsAt = MESSAGES * MMSGHDR_BYTES;
  const namesAt = vectorsAt + MESSAGES * IOVEC_BYTES;
  const controlsAt = namesAt + MESSAGES * NAME_BYTES;
  const packetsAt = controlsAt + MESSAGES * CONTROL_BYTES;
  const { address, bytes, view } = libc.allocate(packetsAt + MESSAGES * PACKET_BYTES);
  const setPointer = (at: number, offset: number): void => {
    view.setBigUint64(at, BigInt(address + offset), true);
  };

  for (let index = 0; index < MESSAGES; index += 1) {
    const header = headersAt + index * MMSGHDR_BYTES;
    const vector = vectorsAt + index * IOVEC_BYTES;
    setPointer(header, namesAt + index * NAME_BYTES);
    setPointer(header + 16, vector);
    view.setUint32(header + 24, 1, true);
    setPointer(header + 32, controlsAt + index * CONTROL_BYTES);
    setPointer(vector, packetsAt + index * PACKET_BYTES);
    view.setUint32(vector + 8, PACKET_BYTES, true);
  }

  // The kernel writes the used lengths into the headers, so they are set again before each receive.
  let dirty = MESSAGES;
  const resetLengths = (): void => {
    for (let index = 0; index < dirty; index += 1) {
      const header = headersAt + index * MMSGHDR_BYTES;
      view.setUint32(header + 8, NAME_BYTES, true);
      view.setUint32(header + 40, CONTROL_BYTES, true);
    }
    dirty = 0;
  };

  const receive = (fd: number, flags: number): number => {
    resetLengths();
    const count = libc.recvmmsg(fd, address + headersAt, MESSAGES, flags | MSG_DONTWAIT, 0);
    dirty = Math.max(1, count);
    return count;
  };

  const at = (index: number): Received => {
    const header = headersAt + index * MMSGHDR_BYTES;
    const name = namesAt + index * NAME_BYTES;
    const packet = packetsAt + index * PACKET_BYTES;
    const control = controlsAt + index * CONTROL_BYTES;
    const controlBytes = Math.min(CONTROL_BYTES, view.getUint32(header + 40, true));
    const nameBytes = view.getUint32(header + 8, true);
    return {
      packet: new DataView(bytes.buffer, packet, view.getUint32(header + 56, true)),
      packetAddress: address + packet,
      peer: nameBytes === 0 ? undefined : sockaddrOctets(bytes, name),
      peerPort: view.getUint16(name + 2),
      nameAddress: address + name,
      nameBytes,
      isTruncated: (view.getUint32(header + 48, true) & MSG_TRUNC) !== 0,
      arrival: readControl(bytes.subarray(control, control + controlBytes)),
    };
  };

  return {
    drain(fd, flags, visit) {
      for (let times = 0; times < MAX_RECEIVES; times += 1) {
        const count = receive(fd, flags);
        const steadyMs = performance.now();
        for (let index = 0; index < count; index += 1) visit(at(index), steadyMs);
        const isErrorTold = count < 0 && libc.errno() !== EAGAIN;
        // Below zero but for EAGAIN: the socket told an error, which is gone by that; packets may wait.
        if (count < MESSAGES && !isErrorTold) return;
      }
    },
  };
}
