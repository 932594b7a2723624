import fc from 'fast-check';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../agent/ship/config-check.ts';
import { AgentConfig } from '../../protocol/wire/agent-config.ts';

/** The agent checks by hand what the schema states; these hold the two together. */
const agrees = (value: unknown): void => {
  const byHand = checkConfig(value);
  const bySchema = Value.Check(AgentConfig, value);
  const text = byHand.kind === 'invalid' ? byHand.text : 'valid';
  expect([byHand.kind === 'valid', text, value]).toEqual([bySchema, text, value]);
};

const whole = {
  v: 1,
  revision: 'r1',
  agent: 'branch-1',
  site: 'lyon',
  targets: [
    {
      id: 'a',
      probe: 'icmp',
      subject: 'device:r1',
      address: 'r1.example',
      count: 5,
      every: 5000,
      timeout: 1000,
    },
    {
      id: 'b',
      probe: 'stamp',
      subject: 'link:l1',
      address: '192.0.2.1',
      port: 862,
      source: '192.0.2.2',
      dscp: 46,
      count: 5,
      every: 5000,
      timeout: 1000,
      clocksSynchronised: true,
    },
    {
      id: 'c',
      probe: 'snmp',
      subject: 'device:r1',
      address: '192.0.2.1',
      port: 161,
      credential: 'lan',
      every: 30_000,
      slowEvery: 300_000,
      timeout: 1000,
    },
  ],
  credentials: {
    lan: { version: '2c', community: 'public' },
    v3: {
      version: '3',
      user: 'noc',
      auth: { protocol: 'sha256', key: 'password1' },
      privacy: { protocol: 'aes256c', key: 'password2' },
    },
  },
  reflector: { address: '0.0.0.0', port: 862, peers: ['192.0.2.9'] },
  confirm: [{ id: 'c1', target: 'a', until: 1_700_000_000_000 }],
};

type Path = ReadonlyArray<string | number>;

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, key]))];
}

/** A copy with the value at the path replaced; `undefined` removes it. */
function withChange(value: unknown, path: Path, change: unknown): unknown {
  if (path.length === 0) return change;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (change !== undefined) at[last] = change;
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
  return copy;
}

describe('the check of a configuration', () => {
  test('takes what the schema takes', () => {
    expect(checkConfig(whole).kind).toBe('valid');
    agrees(whole);
  });

  test('names the place that is wrong', () => {
    const bad = withChange(whole, ['targets', 1, 'dscp'], 64);
    expect(checkConfig(bad)).toEqual({
      kind: 'invalid',
      text: 'config.targets[1].dscp: an integer from 0 to 63',
    });
  });

  const hostile = [
    undefined,
    null,
    true,
    0,
    1,
    -1,
    1.5,
    99,
    100,
    86_400_000,
    86_400_001,
    65_536,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 60,
    '',
    'x',
    'icmp',
    'snmp',
    '2c',
    '3',
    'device:r1',
    'interface:r1/ge0',
    'interface:r1/ ge0',
    'interface:r1/\u{1F600}',
    `interface:r1/${'\u{1F600}'.repeat(100)}`,
    `interface:r1/${'x'.repeat(129)}`,
    'a'.repeat(64),
    'a'.repeat(65),
    'a'.repeat(256),
    '\u{1F600}'.repeat(200),
    'device:r1\n',
    '__proto__',
    'constructor',
    [],
    ['x'],
    {},
    { version: '3', user: 'u' },
    { version: 'constructor' },
    { extra: 1 },
  ];

  test('agrees with the schema about every field with every odd value', () => {
    for (const path of pathsOf(whole)) {
      for (const change of hostile) agrees(withChange(whole, path, change));
    }
  });

  test('agrees with the schema about unknown fields anywhere', () => {
    for (const path of pathsOf(whole)) {
      agrees(withChange(whole, [...path.slice(0, -1), 'surprise'], 1));
      agrees(withChange(whole, [...path.slice(0, -1), 'toString'], 1));
    }
  });

  test('agrees with the schema about anything at all', () => {
    fc.assert(fc.property(fc.anything(), (value) => agrees(value)));
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(whole)), fc.jsonValue(), (path, value) =>
        agrees(withChange(whole, path, value)),
      ),
    );
  });

  test('agrees with the schema about credentials with odd names', () => {
    agrees({ ...whole, credentials: { 'a b': { version: '2c', community: 'x' } } });
    agrees({ ...whole, credentials: JSON.parse('{"__proto__": {"version": "2c"}}') });
  });

  test('too many targets are refused', () => {
    const targets = new Array(20_001).fill(whole.targets[0]);
    expect(checkConfig({ ...whole, targets }).kind).toBe('invalid');
  });
});
