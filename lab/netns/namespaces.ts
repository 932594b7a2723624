import { type ChildProcess, execFileSync, spawn } from 'node:child_process';

/** Runs one program to its end; throws with what it said. Only fixed programs, never a shell. */
export function run(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new Error(`lab: ${program} ${args.join(' ')}: ${said}`);
  }
}

/** A host of the lab: a network namespace with what was started in it. */
export interface LabHost {
  readonly name: string;
  /** Runs a program inside and waits for it. */
  run(program: string, ...args: string[]): string;
  /** Starts a program inside; it is ended with the host. */
  start(program: string, args: readonly string[], env?: Record<string, string>): ChildProcess;
  /** Ends one program that was started here and waits until it is gone. */
  end(child: ChildProcess, signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), 25_000);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill(signal);
  });
}

/** Makes a host with its loopback up. Names must be unique on the machine. */
export function createHost(name: string): LabHost {
  run('ip', 'netns', 'add', name);
  run('ip', 'netns', 'exec', name, 'ip', 'link', 'set', 'lo', 'up');
  const children = new Set<ChildProcess>();
  const end = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    await endChild(child, signal);
    children.delete(child);
  };
  return {
    name,
    run: (program, ...args) => run('ip', 'netns', 'exec', name, program, ...args),
    start(program, args, env = {}) {
      // `ip netns exec` replaces itself by the program, so the pid is the program's own.
      const child = spawn('ip', ['netns', 'exec', name, program, ...args], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.add(child);
      return child;
    },
    end,
    async close() {
      await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
      run('ip', 'netns', 'del', name);
    },
  };
}

export interface Wire {
  readonly hosts: readonly [LabHost, LabHost];
  readonly devices: readonly [string, string];
  readonly addresses: readonly [string, string];
}

/** A point-to-point circuit by a veth pair: `subnet`.1 at the first host, `subnet`.2 at the second. */
export function connect(
  first: LabHost,
  second: LabHost,
  subnet: string,
  devices: readonly [string, string],
): Wire {
  run(
    'ip',
    'link',
    'add',
    devices[0],
    'netns',
    first.name,
    'type',
    'veth',
    'peer',
    'name',
    devices[1],
    'netns',
    second.name,
  );
  const addresses = [`${subnet}.1`, `${subnet}.2`] as const;
  [first, second].forEach((host, n) => {
    const device = devices[n as 0 | 1];
    host.run('ip', 'addr', 'add', `${addresses[n as 0 | 1]}/30`, 'dev', device);
    host.run('ip', 'link', 'set', device, 'up');
  });
  return { hosts: [first, second], devices, addresses };
}

/**
 * A LAN port `name` with something plugged in (a veth pair inside one host). Made anew under the same
 * name it has another ifIndex, another MAC and counters at zero, as after a reboot with new cards.
 */
export function plugLan(host: LabHost, name: string): void {
  const far = `${name}-far`;
  host.run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', far);
  for (const device of [name, far]) host.run('ip', 'link', 'set', device, 'up');
}

export function unplugLan(host: LabHost, name: string): void {
  host.run('ip', 'link', 'del', name);
}

/** Faults of a wire, each with how to mend it. */
export function cut(wire: Wire): () => void {
  const [, far] = wire.hosts;
  far.run('ip', 'link', 'set', wire.devices[1], 'down');
  return () => {
    far.run('ip', 'link', 'set', wire.devices[1], 'up');
  };
}

/** Drops `percent` of the packets that arrive at the second host over the wire. */
export function lose(wire: Wire, percent: number): () => void {
  const [, far] = wire.hosts;
  far.run('nft', 'add table inet lab');
  far.run('nft', 'add chain inet lab in { type filter hook input priority 0 ; }');
  far.run(
    'nft',
    `add rule inet lab in iifname ${wire.devices[1]} numgen random mod 100 < ${percent} drop`,
  );
  return () => {
    far.run('nft', 'delete table inet lab');
  };
}

/** Makes the wire narrow towards the second host: `tbf` with a queue of 200 ms (netem is not needed). */
export function narrow(wire: Wire, rate: string): () => void {
  const [near] = wire.hosts;
  near.run(
    'tc',
    'qdisc',
    'add',
    'dev',
    wire.devices[0],
    'root',
    'tbf',
    'rate',
    rate,
    'burst',
    '5000',
    'latency',
    '200ms',
  );
  return () => {
    near.run('tc', 'qdisc', 'del', 'dev', wire.devices[0], 'root');
  };
}
