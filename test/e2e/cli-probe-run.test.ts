import { spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { interfaceRows, SYSTEM_ROWS, startFakeAgent } from '../support/fake-snmp-agent.ts';
import { plain } from '../support/fake-snmp-device.ts';

const PROBE = new URL('../../cli/probe.ts', import.meta.url).href;
/** The verb as `vedette` calls it, in a process of its own: terminal, exit code and all. */
const PROGRAM = `const { run } = await import(${JSON.stringify(PROBE)}); process.exitCode = await run(process.argv.slice(1));`;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function probe(args: readonly string[], stdin = '', env: Record<string, string> = {}) {
  return new Promise<Outcome>((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', ...args], {
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(stdin);
  });
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function device(community = 'public') {
  const agent = await startFakeAgent({
    community,
    rows: [
      ...SYSTEM_ROWS,
      ...interfaceRows([1, 2].map((i) => ({ ...plain(i), alias: '\u001b[2Jgone' }))),
    ],
  });
  cleanups.push(() => agent.close());
  return agent;
}

test('probe shows a device within seconds, without a server', async () => {
  const { port } = await device();
  const started = performance.now();
  const { code, stdout } = await probe(['127.0.0.1', '--snmp', 'public', '--port', String(port)]);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(code).toBe(0);
  expect(stdout).toContain('edge-1');
  expect(stdout).toContain('Gi0/2');
  expect(stdout).toMatch(/^ICMP/m);
  expect(stdout).not.toContain('\u001b');
});

test('probe takes its secret from the environment or standard input and prints exact JSON', async () => {
  const { port } = await device('not-for-ps');
  const args = ['127.0.0.1', '--port', String(port), '--json', '--snmp'];
  const runs = [
    await probe([...args, 'env:SECRET'], '', { SECRET: 'not-for-ps' }),
    await probe([...args, '-'], 'not-for-ps\n'),
  ];
  for (const { code, stdout, stderr } of runs) {
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('not-for-ps');
    const result = JSON.parse(stdout) as {
      snmp: { interfaces: { counters: { outOctets: { value: string } } }[] };
    };
    expect(result.snmp.interfaces[1]?.counters.outOctets.value).toBe('4000');
  }
});

test('probe says why there is no answer', async () => {
  const agent = await device();
  await agent.close();
  cleanups.length = 0;
  const { stdout } = await probe(['127.0.0.1', '--snmp', 'public', '--port', String(agent.port)]);
  expect(stdout).toContain('unreachable');
});

test('a name that does not exist is exit code 1', async () => {
  const { code, stdout } = await probe(['no-such-device.invalid', '--snmp', 'public']);
  expect(code).toBe(1);
  expect(stdout).toContain('no-such-device.invalid');
});

test.each([
  [[]],
  [['a', 'b']],
  [['127.0.0.1', '--port', '0']],
  [['127.0.0.1', '--port', '161x']],
  [['127.0.0.1', '--snmp', 'my-secret']],
  [['127.0.0.1', '--snmp', 'env:NOT_SET_ANYWHERE']],
  [['127.0.0.1', '--community', 'x']],
])('wrong usage %j is exit code 2 and says how', async (args) => {
  const { code, stdout, stderr } = await probe(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain('--help');
  expect(stderr).not.toContain('my-secret');
});

test('--help has two examples', async () => {
  const { code, stdout } = await probe(['--help']);
  expect(code).toBe(0);
  expect(stdout.match(/^ {2}.*vedette probe /gm)?.length).toBe(2);
});
