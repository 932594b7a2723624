import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';

const ENTRY = fileURLToPath(new URL('../../cli/replay.ts', import.meta.url));
const CALL = `import(${JSON.stringify(ENTRY)}).then(({ run }) => run(process.argv.slice(1))).then((code) => { process.exitCode = code; })`;
const folder = mkdtempSync(join(tmpdir(), 'vedette-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function replay(...argv: string[]): { code: number | null; out: string; err: string } {
  const done = spawnSync(process.execPath, ['-e', CALL, '--', ...argv], { encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
}
function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  const text = `${lines.join('\n')}\n`;
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const T0 = 1_700_000_000;
/** An answer every 5 s for a minute, then lost for half a minute, then well again. */
const rounds = (lost: string, well: string) =>
  Array.from({ length: 60 }, (_, i) => `${T0 + i * 5},${i >= 12 && i < 18 ? lost : well}`);

test('a CSV with an outage gives one ticket, named after its file', () => {
  const a = file('paris.csv', ['timestamp,value', ...rounds('-1', '20')]);
  const { code, out } = replay(
    '--samples',
    a,
    '--metric',
    'icmp_rtt_ms',
    '--lost-below',
    '0',
    '--tickets',
  );
  expect(code).toBe(0);
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      series: 'paris',
      subject: 'link:paris',
      openedAt: T0 + 70,
      resolvedAt: T0 + 100,
      priority: 3,
    },
  ]);
});

test('two files at once are two series; what is still open at the end has no end', () => {
  const a = file('a.csv', rounds('-1', '20'));
  const b = file('b.csv.gz', rounds('-1', '-1'));
  const { out } = replay(
    '--samples',
    a,
    b,
    '--metric',
    'icmp_rtt_ms',
    '--lost-below',
    '0',
    '--tickets',
  );
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => [line.series, line.resolvedAt === null])).toEqual([
    ['a', false],
    ['b', true],
  ]);
});

/** Four-minute polls: twelve hours at 30 ms, then 60 ms to the end. */
const stepped = (until: number) =>
  Array.from(
    { length: until * 15 },
    (_, i) => `${T0 + i * 240},${(i < 180 ? 30 : 60) + (i % 3) / 10}`,
  );

test('a step of the round trip is a ticket and a change of level, told when it was known', () => {
  const step = file('step.csv', stepped(20));
  const { code, out } = replay(
    ...['--samples', step, '--metric', 'icmp_rtt_ms', '--tickets', '--changes'],
  );
  expect(code).toBe(0);
  const onset = T0 + 180 * 240;
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    { type: 'change', series: 'step', at: onset, reportedAt: onset + 960 },
    expect.objectContaining({ series: 'step', resolvedAt: null }),
  ]);
  expect(lines[1].openedAt).toBeGreaterThanOrEqual(onset + 480);
  expect(lines[1].openedAt).toBeLessThan(onset + 1300);
  expect(replay('--samples', step, '--metric', 'icmp_rtt_ms', '--changes').out).toBe(
    `${JSON.stringify(lines[0])}\n`,
  );
});

test('what comes later changes no ticket that was opened before', () => {
  const opened = (name: string, hours: number): number[] =>
    replay('--samples', file(name, stepped(hours)), '--metric', 'icmp_rtt_ms', '--tickets')
      .out.trim()
      .split('\n')
      .map((line) => JSON.parse(line).openedAt);
  expect(opened('whole.csv', 40)).toEqual(opened('cut.csv', 14));
});

test('facts are JSON lines with ISO times, alert and incident laid flat', () => {
  const lines = rounds('1', '0').map((row) => {
    const [at, value] = row.split(',');
    return `{"at":${at}000,"metric":"icmp_loss_ratio","subject":"link:lyon","value":${value}}`;
  });
  const { out } = replay('--samples', file('lyon.ndjson', lines));
  const facts = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const opened = facts.find((fact) => fact.kind === 'incident.opened');
  expect(opened).toMatchObject({
    at: new Date((T0 + 70) * 1000).toISOString(),
    subject: 'link:lyon',
    root: { cause: 'circuit down' },
    symptoms: [],
  });
  expect(facts.map((fact) => fact.kind)).not.toContain('subject.answered');
});

test('a malformed line ends the replay with file and line', () => {
  const bad = file('bad.csv', ['1700000000,1', '1700000005,oops']);
  expect(replay('--samples', bad)).toMatchObject({
    code: 1,
    err: `vedette replay: ${bad}:2: value must be a number, not "oops"\n`,
  });
});

test.each([
  [[], '--samples FILE is missing'],
  [['--samples', 'x', '--metric', 'speed'], 'not in the catalogue'],
  [['--samples', 'x', '--lost-below', 'zero'], '--lost-below must be a number'],
  [['--nonsense'], 'nonsense'],
])('wrong usage %j is told with exit code 2', (argv, words) => {
  const { code, err } = replay(...argv);
  expect(code).toBe(2);
  expect(err).toContain(words);
});

test('a configuration that is not there is told with exit code 78', () => {
  const { code, err } = replay('--samples', 'x', '--config', join(folder, 'none.yaml'));
  expect(code).toBe(78);
  expect(err).toContain('none.yaml');
});
