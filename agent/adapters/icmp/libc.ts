import { endianness } from 'node:os';

/** Memory outside the JavaScript heap at an address that the kernel may be told. */
export interface Arena {
  readonly address: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

/** The system calls that we make. Pointers are addresses inside an arena; results below 0 are errors. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  close(fd: number): number;
  getsockname(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  sendto(
    fd: number,
    packet: number,
    bytes: number,
    flags: number,
    address: number,
    length: number,
  ): number;
  sendmsg(fd: number, message: number, flags: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  poll(entries: number, count: number, timeoutMs: number): number;
  clockGettime(clock: number, timespec: number): number;
  adjtimex(timex: number): number;
  eventfd(initial: number, flags: number): number;
  read(fd: number, buffer: number, bytes: number): number;
  /** Of the call made just before. */
  errno(): number;
  /** Zeroed memory that lives as long as the thread. */
  allocate(bytes: number): Arena;
}

/** Struct offsets in this folder hold on these only: 64 bits, little-endian, asm-generic numbers. */
const KNOWN_ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64'];

/**
 * Binds libc through koffi. Throws where that cannot work: not Linux, another architecture, or no
 * koffi binary for it. The caller then uses the portable engines.
 */
export async function loadLibc(): Promise<Libc> {
  const { platform, arch } = process;
  if (platform !== 'linux' || !KNOWN_ARCHITECTURES.includes(arch) || endianness() !== 'LE') {
    throw new Error(`the socket engine needs 64-bit Linux; this is ${platform} on ${arch}`);
  }
  const { default: koffi } = await import('koffi');
  // The running program has libc in it already, be it glibc or musl: no file name to guess.
  const lib = koffi.load(null);
  const allocate = (bytes: number): Arena => {
    const pointer = koffi.alloc('uint8_t', bytes);
    const buffer = koffi.view(pointer, bytes);
    const memory = new Uint8Array(buffer).fill(0);
    return { address: Number(koffi.address(pointer)), bytes: memory, view: new DataView(buffer) };
  };
  return {
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    bind: lib.func('int bind(int fd, uintptr_t address, uint32_t length)'),
    close: lib.func('int close(int fd)'),
    getsockname: lib.func('int getsockname(int fd, uintptr_t address, uintptr_t length)'),
    setsockopt: lib.func(
      'int setsockopt(int fd, int level, int name, uintptr_t value, uint32_t length)',
    ),
    sendto: lib.func(
      'int64_t sendto(int fd, uintptr_t packet, size_t bytes, int flags, uintptr_t address, uint32_t length)',
    ),
    sendmsg: lib.func('int64_t sendmsg(int fd, uintptr_t message, int flags)'),
    recvmmsg: lib.func(
      'int recvmmsg(int fd, uintptr_t messages, uint32_t count, int flags, uintptr_t timeout)',
    ),
    poll: lib.func('int poll(uintptr_t entries, uint64_t count, int timeout)'),
    clockGettime: lib.func('int clock_gettime(int clock, uintptr_t timespec)'),
    adjtimex: lib.func('int adjtimex(uintptr_t timex)'),
    eventfd: lib.func('int eventfd(uint32_t initial, int flags)'),
    read: lib.func('int64_t read(int fd, uintptr_t buffer, size_t bytes)'),
    errno: () => koffi.errno(),
    allocate,
  };
}
