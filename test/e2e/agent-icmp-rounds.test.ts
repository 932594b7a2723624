import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEchoEngine } from '../../agent/adapters/icmp/echo-engine.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';
import { durationMs } from '../../protocol/model/units.ts';
import { needs } from '../support/needs.ts';

const PROGRAM = fileURLToPath(new URL('./agent-icmp-program.ts', import.meta.url));
const ROUND: EchoRequest = {
  kind: 'icmp',
  address: '127.0.0.1',
  count: 3,
  spacing: durationMs(20),
  timeout: durationMs(500),
};

interface Printed {
  readonly name: string;
  readonly note?: string;
  readonly stamp: string;
  readonly capabilities: { readonly families: unknown[]; readonly fixes: string[] };
  readonly rounds: {
    readonly sent: number;
    readonly rttMs: (number | 'lost')[];
    readonly unsent?: { readonly because: string; readonly text: string };
    readonly unreachableFrom?: string;
    readonly suspectedAfter?: number;
  }[];
}

/** Runs rounds in another process, behind `before` (a command that changes namespace or rights). */
async function runRounds(
  before: readonly string[],
  orders: readonly Partial<EchoRequest>[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Printed> {
  const argument = JSON.stringify(orders.map((order) => ({ ...ROUND, ...order })));
  const [program = '', ...rest] = [...before, process.execPath, PROGRAM, argument];
  const { stdout } = await promisify(execFile)(program, rest, { env, timeout: 60_000 });
  return JSON.parse(stdout) as Printed;
}

const isAnswered = (rtt: number | 'lost'): boolean => rtt !== 'lost' && rtt >= 0 && rtt < 500;
/** Rights without which no ICMP socket but a permitted datagram one opens; also takes `ping` its own. */
const NO_RAW = [
  'setpriv',
  '--bounding-set',
  '-net_raw,-net_admin',
  '--inh-caps',
  '-net_raw,-net_admin',
];
/** Root without its powers; what a program's file is allowed (ping: raw sockets) stays allowed. */
const NO_RIGHTS = ['setpriv', '--securebits', '+noroot', '--inh-caps', '-all'];

needs('root', 'ping')('ICMP on loopback', () => {
  let engines: Awaited<ReturnType<typeof openEchoEngine>>;
  beforeAll(async () => {
    engines = await openEchoEngine();
  });
  afterAll(async () => {
    await engines.icmp.close();
    await engines.stamp.close();
  });

  test('raw sockets are taken when they are permitted, and nothing better is missed', () => {
    expect(engines.icmp.name).toBe('raw sockets');
    expect(engines.icmp.note).toBeUndefined();
  });

  test.each(['127.0.0.1', '127.200.3.4', '::1', '::ffff:127.0.0.1'])(
    '%s answers',
    async (address) => {
      const round = await engines.icmp.measure({ ...ROUND, address });
      expect(round.sent).toBe(3);
      expect([...round.rttMs].every(isAnswered)).toBe(true);
    },
  );

  test('a thousand targets at once are told apart, with source address and DSCP too', async () => {
    const rounds = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => {
        const address = `127.3.${i >> 8}.${i & 255}`;
        const way = i % 2 === 0 ? {} : { source: `127.4.0.${i % 5}`, dscp: 46 };
        return engines.icmp.measure({ ...ROUND, ...way, address, timeout: durationMs(2000) });
      }),
    );
    expect(rounds.filter(({ rttMs }) => ![...rttMs].every((ms) => ms >= 0))).toEqual([]);
    expect(rounds.every(({ sent }) => sent === 3)).toBe(true);
  });

  test.each([
    '',
    'router1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    'fe80::1%nowhere',
  ])('"%s" is a bad address, not a loss', async (address) => {
    const round = await engines.icmp.measure({ ...ROUND, address });
    expect(round).toMatchObject({ sent: 0, unsent: { because: 'bad-address' } });
  });

  test('replies to the echoes of others, which every raw socket sees, are not ours', async () => {
    const ping = promisify(execFile)('ping', ['-n', '-c', '20', '-i', '0.01', '127.0.0.1']);
    const round = await engines.icmp.measure({ ...ROUND, count: 10 });
    await ping;
    expect(round.sent).toBe(10);
    expect([...round.rttMs].every(isAnswered)).toBe(true);
  });
});

needs(
  'netns',
  'nft',
  'ping',
)('ICMP in a namespace', () => {
  const name = `vdt-icmp-${process.pid}`;
  const far = `${name}f`;
  const sh = (script: string): void => {
    execFileSync('bash', ['-ec', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  const inside = ['ip', 'netns', 'exec', name];
  const nft = (rules: string): void =>
    sh(`ip netns exec ${name} nft 'flush ruleset; add table inet t; ${rules}'`);

  beforeAll(() => {
    sh(`
      ip netns add ${name}; ip netns add ${far}
      ip link add v0 netns ${name} type veth peer name v1 netns ${far}
      ip -n ${name} link set lo up; ip -n ${far} link set lo up
      ip -n ${name} addr add 10.99.0.1/24 dev v0; ip -n ${far} addr add 10.99.0.2/24 dev v1
      ip -n ${name} -6 addr add fd99::1/64 dev v0 nodad; ip -n ${far} -6 addr add fd99::2/64 dev v1 nodad
      ip -n ${name} link set v0 up; ip -n ${far} link set v1 up
      ip netns exec ${far} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
      ip netns exec ${far} sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
      ip -n ${name} route add 10.98.0.0/16 via 10.99.0.2; ip -n ${name} -6 route add fd98::/32 via fd99::2
      ip -n ${far} route add unreachable 10.98.0.0/16; ip -n ${far} -6 route add unreachable fd98::/32
      ip -n ${name} route add prohibit 10.97.0.0/16; ip -n ${name} route add blackhole 10.96.0.0/16
      # A new link is deaf to IPv6 until its own addresses are settled (duplicate address detection).
      for i in $(seq 20); do ip netns exec ${name} ping -n -c 1 -W 1 fd99::2 && break; done
    `);
  });
  afterAll(() => {
    execFileSync('ip', ['netns', 'del', name]);
    execFileSync('ip', ['netns', 'del', far]);
  });

  /** With all rights: raw sockets. Without, where the kernel permits it: datagram sockets. */
  const engines: [string, readonly string[]][] = [
    ['raw sockets', inside],
    ['datagram sockets', [...inside, ...NO_RAW]],
  ];

  describe.each(engines)('by %s', (engine, before) => {
    beforeAll(() => {
      const range = engine === 'datagram sockets' ? '0 2147483647' : '1 0';
      sh(`ip netns exec ${name} sysctl -qw net.ipv4.ping_group_range="${range}"`);
      nft('');
    });

    test('both families answer, and what a router calls unreachable is lost with its name', async () => {
      const addresses = ['10.99.0.2', 'fd99::2', '10.98.1.1', 'fd98::1'];
      const printed = await runRounds(
        before,
        addresses.map((address) => ({ address })),
      );
      expect(printed.name).toBe(engine);
      const [v4, v6, gone4, gone6] = printed.rounds;
      expect(v4?.rttMs.every(isAnswered)).toBe(true);
      expect(v6?.rttMs.every(isAnswered)).toBe(true);
      const lost = { sent: 3, rttMs: ['lost', 'lost', 'lost'] };
      expect(gone4).toMatchObject({ ...lost, unreachableFrom: '10.99.0.2' });
      expect(gone6).toMatchObject({ ...lost, unreachableFrom: 'fd99::2' });
      // A complaint about one target must not stop or blame the others on the same socket.
      expect(v4?.unsent).toBeUndefined();
      expect(v4?.unreachableFrom).toBeUndefined();
    });

    test('what this machine refuses to send is unsent, never lost', async () => {
      const addresses = ['203.0.113.1', '10.97.0.1', '10.96.0.1', '2001:db8::1', '10.99.0.2'];
      const { rounds } = await runRounds(
        before,
        addresses.map((address) => ({ address })),
      );
      const [unreachable, prohibited, blackhole, noRoute6, good] = rounds;
      for (const round of [unreachable, prohibited, blackhole, noRoute6]) {
        expect(round).toMatchObject({ sent: 0, rttMs: [], unsent: { because: 'no-route' } });
      }
      expect(good?.rttMs.every(isAnswered)).toBe(true);
    });

    test('our own firewall is named as such', async () => {
      nft(
        'add chain inet t out { type filter hook output priority 0; }; add rule inet t out ip daddr 10.99.0.2 drop',
      );
      const { rounds } = await runRounds(before, [
        { address: '10.99.0.2' },
        { address: 'fd99::2' },
      ]);
      nft('');
      expect(rounds[0]).toMatchObject({ sent: 0, unsent: { because: 'firewall' } });
      expect(rounds[0]?.suspectedAfter).toBeUndefined();
      expect(rounds[1]?.rttMs.every(isAnswered)).toBe(true);
    });

    test('a lossy way loses its share, and the first silence is told long before the timeout', async () => {
      nft(
        'add chain inet t in { type filter hook input priority 0; }; add rule inet t in icmp type echo-reply numgen inc mod 5 == 0 drop',
      );
      const order = {
        address: '10.99.0.2',
        count: 50,
        timeout: durationMs(1500),
        suspectAfter: durationMs(100),
      };
      const { rounds } = await runRounds(before, [order]);
      nft('');
      const lost = rounds[0]?.rttMs.filter((rtt) => rtt === 'lost').length;
      expect(rounds[0]?.sent).toBe(50);
      expect(lost).toBe(10);
      expect(rounds[0]?.suspectedAfter).toBeLessThan(1000);
    });

    test('a line that goes dead loses everything, and the suspicion comes after suspectAfter', async () => {
      nft(
        'add chain inet t in { type filter hook input priority 0; }; add rule inet t in icmp type echo-reply drop',
      );
      const { rounds } = await runRounds(before, [
        { address: '10.99.0.2', suspectAfter: durationMs(200) },
      ]);
      nft('');
      expect(rounds[0]).toMatchObject({ sent: 3, rttMs: ['lost', 'lost', 'lost'] });
      expect(rounds[0]?.suspectedAfter).toBeGreaterThanOrEqual(199);
      expect(rounds[0]?.suspectedAfter).toBeLessThan(450);
    });
  });

  test('without rights the ping program is taken, and the lines that mend it are named', async () => {
    sh(`ip netns exec ${name} sysctl -qw net.ipv4.ping_group_range="1 0"`);
    const printed = await runRounds([...inside, ...NO_RIGHTS], [{ address: '10.99.0.2' }]);
    expect(printed.name).toBe('ping program');
    expect(printed.note).toContain('sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"');
    expect(printed.rounds[0]?.rttMs.every(isAnswered)).toBe(true);
  });

  test('without rights and without ping the engine is absent, and nothing is lost for it', async () => {
    sh(`ip netns exec ${name} sysctl -qw net.ipv4.ping_group_range="1 0"`);
    const orders = [{ address: '10.99.0.2' }, { address: 'fd99::2' }, { address: '10.99.0.77' }];
    const printed = await runRounds([...inside, ...NO_RAW], orders);
    expect(printed.name).toBe('absent');
    expect(printed.note).toContain('setcap cap_net_raw+ep');
    for (const round of printed.rounds) {
      expect(round).toMatchObject({ sent: 0, rttMs: [], unsent: { because: 'no-permission' } });
      expect(round.unsent?.text).toContain('ping_group_range');
    }
    expect(printed.stamp).toContain('kernel');
    expect(printed.capabilities.fixes.length).toBe(2);
    expect(printed.capabilities.families).toMatchObject([{ icmp: 'absent' }, { icmp: 'absent' }]);
  });

  test('STAMP names the router that calls its peer unreachable, and tells a refusal apart', async () => {
    const stamp = { kind: 'stamp' as const, port: 862 };
    const { rounds } = await runRounds(inside, [
      { ...stamp, address: '10.98.1.1' },
      { ...stamp, address: '10.99.0.2' },
      { ...stamp, address: '10.97.0.1' },
    ]);
    expect(rounds[0]).toMatchObject({ sent: 3, unreachableFrom: '10.99.0.2' });
    expect(rounds[1]).toMatchObject({ sent: 3, unreachableFrom: '10.99.0.2' });
    expect(rounds[2]).toMatchObject({ sent: 0, unsent: { because: 'no-route' } });
  });
});
