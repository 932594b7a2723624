import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pingCommandOf } from '../../agent/adapters/icmp/ping-command.ts';
import { createPingOutput } from '../../agent/adapters/icmp/ping-output.ts';

const LOST = Number.NaN;

function read(text: string, count: number, kind: 'linux' | 'bsd' | 'windows' = 'linux') {
  const output = createPingOutput(count, kind !== 'windows', kind === 'linux' ? 1 : 0);
  // As a pipe may cut it.
  for (let at = 0; at < text.length; at += 7) output.feed(text.slice(at, at + 7));
  const { rttMs, ...rest } = output.figures();
  return { rttMs: [...rttMs], ...rest };
}

const IPUTILS = `PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.
64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.032 ms
64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.040 ms (DUP!)
64 bytes from 10.0.0.1: icmp_seq=4 ttl=64 time=12.5 ms
64 bytes from 10.0.0.1: icmp_seq=3 ttl=64 time=1043 ms

--- 10.0.0.1 ping statistics ---
4 packets transmitted, 3 received, +1 duplicates, 25% packet loss, time 3004ms
rtt min/avg/max/mdev = 0.032/2.3/12.5/0.005 ms, pipe 2
`;

describe('what ping prints', () => {
  test('iputils: order by number, duplicates once, gaps are losses', () => {
    expect(read(IPUTILS, 4)).toEqual({ sent: 4, rttMs: [0.032, LOST, 1043, 12.5] });
  });

  test('busybox counts from 0', () => {
    const text = `PING 10.0.0.1 (10.0.0.1): 56 data bytes
64 bytes from 10.0.0.1: seq=0 ttl=64 time=0.1 ms
64 bytes from 10.0.0.1: seq=2 ttl=64 time=0.3 ms

--- 10.0.0.1 ping statistics ---
3 packets transmitted, 2 packets received, 33% packet loss
round-trip min/avg/max = 0.1/0.2/0.3 ms
`;
    expect(read(text, 3)).toEqual({ sent: 3, rttMs: [0.1, LOST, 0.3] });
  });

  test('BSD and macOS count from 0 too', () => {
    const text = `PING 10.0.0.1 (10.0.0.1): 56 data bytes
Request timeout for icmp_seq 0
64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.061 ms

--- 10.0.0.1 ping statistics ---
2 packets transmitted, 1 packets received, 50.0% packet loss
`;
    expect(read(text, 2, 'bsd')).toEqual({ sent: 2, rttMs: [LOST, 0.061] });
  });

  test('Windows in German: by order, below a millisecond and with lost ones between', () => {
    const text = `\r
Ping wird ausgeführt für 10.0.0.1 mit 32 Bytes Daten:\r
Antwort von 10.0.0.1: Bytes=32 Zeit=12ms TTL=64\r
Zeitüberschreitung der Anforderung.\r
Antwort von 10.0.0.1: Bytes=32 Zeit<1ms TTL=64\r
`;
    expect(read(text, 3, 'windows')).toEqual({ sent: 3, rttMs: [12, LOST, 1] });
  });

  test('a router that says unreachable is named, and its echoes are lost', () => {
    const text = `PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.
From 10.9.9.9 icmp_seq=1 Destination Host Unreachable

--- 10.0.0.1 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
`;
    expect(read(text, 1)).toEqual({ sent: 1, rttMs: [LOST], unreachableFrom: '10.9.9.9' });
  });
});

describe('what did not leave is not lost', () => {
  test.each([
    ['ping: connect: Network is unreachable', 'no-route'],
    ['ping: socket: Operation not permitted', 'no-permission'],
    ['ping: socktype: SOCK_RAW\nping: socket: Operation not permitted', 'no-permission'],
    ['ping: bad address', 'bad-address'],
    ['ping: no-such-name: Name or service not known', 'bad-address'],
  ])('%s', (text, because) => {
    expect(read(`${text}\n`, 5)).toMatchObject({ sent: 0, rttMs: [], unsent: { because } });
  });

  test('what our own firewall refused is taken off, though ping counts it as transmitted', () => {
    const text = `PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.
ping: sendmsg: Operation not permitted
ping: sendmsg: Operation not permitted
64 bytes from 10.0.0.1: icmp_seq=3 ttl=64 time=0.5 ms

--- 10.0.0.1 ping statistics ---
3 packets transmitted, 1 received, 66% packet loss, time 2004ms
`;
    const figures = read(text, 3);
    expect(figures).toEqual({
      sent: 1,
      rttMs: [0.5],
      unsent: { because: 'firewall', text: 'ping: sendmsg: Operation not permitted' },
    });
  });
});

test('no output at all, killed before its end: what was ordered counts as sent', () => {
  expect(read('PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.\n', 2)).toEqual({
    sent: 2,
    rttMs: [LOST, LOST],
  });
});

test('endless lines, absurd numbers and random text never throw, and never answer too much', () => {
  expect(read('64 bytes from x: icmp_seq=99999999999 ttl=1 time=1 ms\n', 2).rttMs).toEqual([
    LOST,
    LOST,
  ]);
  expect(read(`${'x'.repeat(100_000)}\n`, 1).rttMs).toEqual([LOST]);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...IPUTILS.split('\n'), 'a', '\r', '=1 ms bytes')),
      (lines) => {
        const { sent, rttMs } = read(lines.join('\n'), 4);
        expect(sent).toBeLessThanOrEqual(4);
        expect(rttMs.length).toBe(sent);
      },
    ),
  );
});

describe('the command of each system', () => {
  const order = { address: '10.0.0.1', isIpv6: false, count: 5, spacing: 50, timeout: 1500 };

  test('Linux: one program for both families, spacing not below what everybody may', () => {
    expect(pingCommandOf({ ...order, source: '10.0.0.9', dscp: 46 }, 'linux')).toEqual({
      program: 'ping',
      arguments: '-n -W 2 -c 5 -I 10.0.0.9 -s 56 -i 0.2 -4 -Q 184 10.0.0.1'.split(' '),
      spacing: 200,
    });
    const v6 = pingCommandOf({ ...order, address: '::1', isIpv6: true }, 'linux');
    expect(v6.program).toBe('ping');
    expect(v6.arguments).toContain('-6');
  });

  test('macOS and Windows have their own', () => {
    expect(pingCommandOf(order, 'darwin').program).toBe('/sbin/ping');
    expect(pingCommandOf({ ...order, isIpv6: true }, 'darwin').program).toBe('/sbin/ping6');
    const windows = pingCommandOf(order, 'win32');
    expect(windows.arguments).toEqual(expect.arrayContaining(['-w', '2000', '-n', '5']));
    expect(windows.spacing).toBe(1000);
  });

  test('what a program cannot do is refused, not left out', () => {
    expect(() => pingCommandOf({ ...order, dscp: 46 }, 'darwin')).toThrow('DSCP');
    expect(() => pingCommandOf(order, 'plan9')).toThrow('no ping program');
  });
});
