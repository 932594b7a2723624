import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCredential } from '../../cli/probe-credential.ts';
import { hasAnswered, type ProbeResult } from '../../cli/probe-measure.ts';
import { renderProbe, renderProbeJson } from '../../cli/render-probe.ts';
import { epochMs } from '../../protocol/model/units.ts';

const none = { env: {}, readStdin: () => '' };
const V3 = '{"version":"3","user":"noc","auth":{"protocol":"sha256","key":"topsecret1"}}';

test('a community or a v3 credential comes from the environment, a file or standard input', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-probe-'));
  writeFileSync(join(dir, 'secret'), `${V3}\n`);
  expect(readCredential('env:C', { ...none, env: { C: 'corp' } })).toEqual({
    kind: 'read',
    credential: { version: '2c', community: 'corp' },
  });
  expect(readCredential(`file:${join(dir, 'secret')}`, none)).toMatchObject({
    credential: { version: '3', user: 'noc' },
  });
  expect(readCredential('-', { ...none, readStdin: () => 'with space \n' })).toMatchObject({
    credential: { community: 'with space ' },
  });
  expect(readCredential('public', none)).toMatchObject({ credential: { community: 'public' } });
  rmSync(dir, { recursive: true });
});

test.each([
  ['a literal secret', 'topsecret1', none],
  ['a missing variable', 'env:NOPE', none],
  ['a missing file', 'file:/does/not/exist', none],
  ['nothing on standard input', '-', none],
  ['a folder', 'file:/', none],
  ['broken JSON', '-', { ...none, readStdin: () => `${V3}}` }],
  ['JSON of something else', '-', { ...none, readStdin: () => '{"community":"topsecret1"}' }],
  ['a key that is too short', '-', { ...none, readStdin: () => V3.replace('topsecret1', 'short') }],
  ['a megabyte', '-', { ...none, readStdin: () => 'topsecret1'.repeat(100_000) }],
])('%s is refused without repeating it', (_what, source, from) => {
  const read = readCredential(source, from);
  expect(read.kind).toBe('refused');
  expect(JSON.stringify(read)).not.toContain('topsecret1');
});

const result: ProbeResult = {
  host: 'edge-1',
  address: '192.0.2.1',
  port: 161,
  at: '2026-01-05T09:14:30.000Z',
  icmp: {
    kind: 'measured',
    engine: 'raw sockets',
    figures: {
      sent: 10,
      answered: 9,
      lossRatio: 0.1,
      rtt: { minMs: 1, medianMs: 2, p95Ms: 30.25, maxMs: 30.25 },
      jitterMs: 0.5,
      ipdvMs: 0.25,
    },
  },
  snmp: {
    kind: 'answered',
    system: {
      at: epochMs(0),
      name: 'edge\u001b]0;owned\u0007',
      uptimeTicks: 8_640_000 + 100,
      engineBoots: 3,
      engineTimeS: 86_401,
    },
    interfaces: [
      {
        ifIndex: 1,
        name: 'Gi0/1',
        alias: 'line\nbreak\u202etxet',
        mac: '00:1b:21:aa:bb:cc',
        speedBps: 1e9,
        adminUp: true,
        operUp: false,
        counters: { inOctets: { value: 2n ** 64n - 1n, bits: 64 } },
      },
      { ifIndex: 1_000, counters: {} },
    ],
    environment: { cpuRatio: 0.345, temperatureCelsius: 41.25 },
    oddities: { badCells: 2, disorder: 0, refusedColumns: 0 },
  },
};

test('the text shows figures, system and every interface in aligned columns', () => {
  const lines = renderProbe(result).split('\n');
  expect(lines[0]).toBe('edge-1 (192.0.2.1)');
  expect(lines[1]).toBe('ICMP (raw sockets): 9 of 10 answered, 10 % lost');
  expect(lines[3]).toBe('  jitter (RFC 3550) 0.500 ms, IPDV (RFC 3393) 0.250 ms');
  const text = lines.join('\n');
  expect(text).toContain('1 d 00:00:01 (8640100 ticks)');
  expect(text).toContain('values of a wrong type 2');
  const [head, first, second] = lines.slice(lines.findIndex((line) => line.includes('ifIndex')));
  expect(first).toContain('18446744073709551615');
  expect(first).toContain('1 Gbit/s');
  expect(second?.trimStart().startsWith('1000  -')).toBe(true);
  expect(first?.indexOf('Gi0/1')).toBe(head?.indexOf('name'));
  expect(first?.indexOf('down')).toBe(head?.indexOf('oper'));
});

test('no control or direction character of a device reaches the terminal', () => {
  expect(renderProbe(result)).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
});

test('JSON is one line, with counters exact as decimal strings', () => {
  const text = renderProbeJson(result);
  expect(text.trim()).not.toContain('\n');
  const parsed = JSON.parse(text) as { snmp: { interfaces: { counters: object }[] } };
  expect(parsed.snmp.interfaces[0]?.counters).toEqual({
    inOctets: { value: '18446744073709551615', bits: 64 },
  });
});

test('failures are said in plain words', () => {
  const text = renderProbe({
    host: '192.0.2.1',
    port: 161,
    at: '',
    icmp: { kind: 'not-available', text: 'no permission' },
    snmp: { kind: 'failed', failure: { kind: 'unknown-user', text: 'no such user "noc"' } },
  });
  expect(text).toBe(
    '192.0.2.1\nICMP: not available: no permission\nSNMP (port 161): unknown-user: no such user "noc"\n',
  );
});

test('a device has answered when either probe heard it', () => {
  const silent = { kind: 'failed', failure: { kind: 'timed-out', text: '' } } as const;
  const absent = { kind: 'not-available', text: '' } as const;
  expect(hasAnswered(result)).toBe(true);
  expect(hasAnswered({ ...result, snmp: silent })).toBe(true);
  expect(hasAnswered({ ...result, icmp: absent })).toBe(true);
  expect(hasAnswered({ ...result, icmp: absent, snmp: silent })).toBe(false);
});
