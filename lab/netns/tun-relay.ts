import { closeSync, openSync, read, write } from 'node:fs';
import koffi from 'koffi';
import { run } from './namespaces.ts';

/*
 * A circuit with a delay that can be changed while it runs: two TUN devices, each moved into a
 * namespace, and this process between them. Where the kernel lacks netem this is the way to have a
 * pure delay. When the process ends the devices vanish, and their routes with them.
 */

/** linux/if_tun.h: _IOW('T', 202, int) */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const MTU = 1500;

interface End {
  readonly fd: number;
  readonly device: string;
}

function openTun(device: string): End {
  const fd = openSync('/dev/net/tun', 'r+');
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(device, 0, 15, 'ascii');
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
  const libc = koffi.load('libc.so.6');
  const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
  if (ioctl(fd, TUNSETIFF, request) !== 0) {
    closeSync(fd);
    throw new Error(
      `lab: cannot make TUN device ${device} (errno ${koffi.errno()}); root is needed`,
    );
  }
  return { fd, device };
}

/** Carries packets from one end to the other; `delayMs` is asked anew for each packet. */
function relay(from: End, to: End, delayMs: () => number): void {
  const buffer = Buffer.alloc(MTU + 64);
  const next = (): void => {
    read(from.fd, buffer, 0, buffer.length, null, (error, bytes) => {
      // The device is still down, or its namespace is gone: try again, the parent ends us.
      if (error) {
        setTimeout(next, 50);
        return;
      }
      const packet = Buffer.from(buffer.subarray(0, bytes));
      const send = (): void => write(to.fd, packet, () => undefined);
      const delay = delayMs();
      if (delay > 0) setTimeout(send, delay);
      else send();
      next();
    });
  };
  next();
}

/** Arguments: two times NAMESPACE DEVICE ADDRESS PEER. Each line on standard input is a one-way delay in ms. */
function main(argv: readonly string[]): void {
  if (argv.length !== 8)
    throw new Error('usage: tun-relay NS DEV ADDRESS PEER NS DEV ADDRESS PEER');
  const ends = [argv.slice(0, 4), argv.slice(4)].map(([namespace, device, address, peer]) => {
    if (!namespace || !device || !address || !peer) throw new Error('tun-relay: empty argument');
    const end = openTun(device);
    run('ip', 'link', 'set', device, 'netns', namespace);
    run(
      'ip',
      'netns',
      'exec',
      namespace,
      'ip',
      'addr',
      'add',
      address,
      'peer',
      peer,
      'dev',
      device,
    );
    run('ip', 'netns', 'exec', namespace, 'ip', 'link', 'set', device, 'up', 'mtu', String(MTU));
    return end;
  });
  let delay = 0;
  const [first, second] = ends;
  if (!first || !second) return;
  relay(first, second, () => delay);
  relay(second, first, () => delay);
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text) => {
    const value = Number(String(text).trim());
    if (Number.isFinite(value) && value >= 0 && value < 10_000) delay = value;
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write('ready\n');
}

main(process.argv.slice(2));
