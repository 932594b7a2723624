import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../cli/rules.ts';
import { spreadValues } from '../../config/rule-test-values.ts';

let folder = '';
let out = '';
let err = '';
const write = { out: process.stdout.write, err: process.stderr.write };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-rules-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The verb with what it printed. */
async function vedetteRules(...argv: string[]): Promise<number> {
  out = '';
  err = '';
  process.stdout.write = ((text: string) => {
    out += text;
    return true;
  }) as typeof write.out;
  process.stderr.write = ((text: string) => {
    err += text;
    return true;
  }) as typeof write.err;
  try {
    return await run(argv);
  } finally {
    process.stdout.write = write.out;
    process.stderr.write = write.err;
  }
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const SERIES = `series:
      - { metric: icmp_loss_ratio, subject: "link:lyon-mpls", values: 0x24 0.4x24 0x48 }`;

describe('values as in promtool', () => {
  test.each([
    ['1', [1]],
    ['1x2', [1, 1, 1]],
    ['1+2x3', [1, 3, 5, 7]],
    ['10-1x2 _ 5', [10, 9, 8, undefined, 5]],
    ['_x2 0.1+0.1x2', [undefined, undefined, 0.1, 0.2, 0.3]],
    ['-4 1e3', [-4, 1000]],
  ])('%s', (text, values) => {
    expect(spreadValues(text)).toEqual({ ok: true, values });
  });

  test.each(['', 'one', '1x', 'x3', '1+x3', '_+1x3', '0x9999999', 'Infinity', '1,2'])(
    '%s is refused',
    (text) => {
      expect(spreadValues(text).ok).toBe(false);
    },
  );
});

describe('vedette rules test', () => {
  test('passes where the rules do what the file says', async () => {
    const path = file(
      'good.yaml',
      `tests:
  - name: a lossy line
    rules: [link-loss]
    ${SERIES}
    expect:
      - { at: 2m, firing: [] }
      - { at: 3m, firing: [{ rule: link-loss, subject: "link:lyon-mpls" }] }
      - { at: 8m, firing: [] }
`,
    );
    expect(await vedetteRules('test', path)).toBe(0);
    expect(out).toBe('ok    a lossy line\n');
    expect(err).toBe('1 passed, 0 failed\n');
  });

  test('says where an expectation stands that does not hold, and when the rule fires instead', async () => {
    const path = file(
      'bad.yaml',
      `tests:
  - name: a lossy line
    rules: [link-loss, link-unreachable]
    ${SERIES}
    expect:
      - { at: 3m, firing: [{ rule: link-unreachable, subject: "link:lyon-mpls" }] }
`,
    );
    expect(await vedetteRules('test', path)).toBe(1);
    expect(out).toContain(
      'bad.yaml:7:9: at 3m expected link-unreachable on link:lyon-mpls, which does not fire',
    );
    expect(out).toMatch(
      /at 3m nobody expected link-loss on link:lyon-mpls, which fires \(fires 1\d\ds to \d+s\)/,
    );
    expect(err).toBe('0 passed, 1 failed\n');
  });

  test('tests rules of a configuration, its inventory with heartbeats included', async () => {
    file(
      'vedette.yaml',
      `sites: [{ id: hub, hub: true }, { id: lyon }]
agents: [{ id: a-hub, site: hub }]
links:
  - { id: lyon-mpls, kind: wan, site: lyon, peer: hub, probes: [{ from: a-hub, icmp: 192.0.2.1 }] }
rules:
  - id: slow-and-lossy
    on: [link]
    detector: { kind: expression, raise: "icmp_loss_ratio >= 10 % and icmp_rtt_ms > 80 ms" }
    holdFor: 0s
    clearAfter: 0s
    severity: major
    disturbance: degradation
    cause: congestion
    reason: a full queue delays and drops
`,
    );
    const path = file(
      'own.yaml',
      `config: vedette.yaml
tests:
  - name: loss with delay is congestion
    rules: [slow-and-lossy, agent-silent]
    series:
      - { metric: icmp_loss_ratio, subject: "link:lyon-mpls", values: 0 0.2x5 }
      - { metric: icmp_rtt_ms, subject: "link:lyon-mpls", values: 20x1 100x4 }
    expect:
      - { at: 5s, firing: [] }
      - { at: 10s, firing: [{ rule: slow-and-lossy, subject: "link:lyon-mpls" }] }
`,
    );
    expect(await vedetteRules('test', path)).toBe(0);
  });

  test.each([
    ['not: [yaml', 'this is not YAML'],
    ['tests: []', 'at least 1 entries'],
    [
      'tests:\n  - name: x\n    expect: [{ at: 1m, firing: [] }]\n    series: [{ metric: nope, subject: "link:a", values: 1 }]',
      'wrong.yaml:4:24: tests[0].series[0].metric: there is no metric "nope"',
    ],
    [
      'tests:\n  - name: x\n    expect: [{ at: 1m, firing: [] }]\n    series: [{ metric: if_in_errors_per_s, subject: "interface:a/b", values: 1 }]',
      'is derived by detection',
    ],
    [
      'tests:\n  - name: x\n    expect: [{ at: soon, firing: [] }]\n    series: [{ metric: icmp_rtt_ms, subject: "link:a", values: 1x }]',
      'expected a time after the beginning',
    ],
    [
      'tests:\n  - name: x\n    expect: [{ at: 1m, firing: [] }]\n    series: [{ metric: icmp_rtt_ms, subject: "link:a", values: 1x }]',
      '"1x" is no value',
    ],
  ])('refuses a wrong file with its place', async (text, message) => {
    expect(await vedetteRules('test', file('wrong.yaml', text))).toBe(78);
    expect(err).toContain(message);
    expect(err).toMatch(/wrong\.yaml(:\d+:\d+)?: /);
  });

  test('wants a file, and knows its verbs', async () => {
    expect(await vedetteRules('test')).toBe(2);
    expect(await vedetteRules('tets')).toBe(2);
    expect(err).toContain('did you mean "test"?');
    expect(await vedetteRules('test', join(folder, 'missing.yaml'))).toBe(78);
  });
});

describe('a condition in the configuration', () => {
  test('is refused at the very character, with the nearest name', async () => {
    file(
      'vedette.yaml',
      `rules:
  - id: mine
    on: [device]
    detector: { kind: expression, raise: "device_cpu_rato > 90 %" }
    holdFor: 0s
    clearAfter: 0s
    severity: major
    disturbance: degradation
    cause: overload of the device
    reason: a test
  - id: other
    on: [device]
    detector:
      kind: expression
      raise: icmp_loss_ratio > 5 % and icmp_rtt_ms > 3
    holdFor: 0s
    clearAfter: 0s
    severity: major
    disturbance: degradation
    cause: overload of the device
    reason: a test
`,
    );
    const path = file(
      'own.yaml',
      'config: vedette.yaml\ntests: [{ name: x, expect: [{ at: 1s, firing: [] }], series: [{ metric: icmp_rtt_ms, subject: "link:a", values: 1 }] }]',
    );
    expect(await vedetteRules('test', path)).toBe(78);
    expect(err).toContain(
      'vedette.yaml:4:43: rules[0].detector.raise: there is no metric "device_cpu_rato"; did you mean "device_cpu_ratio"?',
    );
    expect(err).toContain(
      'vedette.yaml:15:54: rules[1].detector.raise: expected a time, found a bare figure',
    );
  });
});

test('vedette rules list tells every rule that ships with its reason', async () => {
  expect(await vedetteRules('list')).toBe(0);
  expect(out).toContain('link-unreachable');
  expect(await vedetteRules('list', '--json')).toBe(0);
  expect(JSON.parse(out).length).toBeGreaterThan(10);
});
