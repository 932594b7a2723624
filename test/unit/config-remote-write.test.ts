import { describe, expect, test } from 'vitest';
import { loadConfigText } from '../../config/load.ts';
import { remoteWrites } from '../../config/map.ts';
import { printConfig } from '../../config/print.ts';
import { problemText } from '../../config/problem.ts';
import { readSecrets } from '../../config/secrets.ts';

const load = (target: string) =>
  loadConfigText(`server:\n  remoteWrite:\n    - ${target}\n`, 'x.yaml');
const problemsOf = (target: string): string[] => {
  const loaded = load(target);
  return loaded.ok ? [] : loaded.problems.map(problemText);
};
const good = (target: string) => {
  const loaded = load(target);
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
  return loaded;
};

describe('stores that samples are handed to', () => {
  test.each([
    ['{ id: a, url: "https://tsdb.example/api/v1/push" }'],
    ['{ id: a, url: "http://127.0.0.1:9090/api/v1/write" }'],
    ['{ id: a, url: "http://[::1]:9090/api/v1/write" }'],
    ['{ id: a, url: "http://tsdb.example/w", plainHttp: true, headers: { X-Scope-OrgID: noc } }'],
    ['{ id: a, url: "https://t.example", secretHeaders: { Authorization: { env: T } } }'],
  ])('%s is fine', (target) => expect(problemsOf(target)).toEqual([]));

  test.each([
    ['{ id: a, url: "http://tsdb.example/w" }', 'server.remoteWrite[0].url: http:// beyond'],
    ['{ id: a, url: "https://u:p@tsdb.example/w" }', 'must not hold credentials'],
    ['{ id: a, url: "ftp://x" }', 'expected a URL'],
    ['{ id: a, url: "http://" }', 'URL'],
    ['{ url: "https://x.example" }', 'id'],
    ['{ id: a, url: "https://x.example", every: soon }', 'expected a duration'],
    ['{ id: a, url: "https://x.example", bearerToken: s3cret }', 'secrets are never written here'],
    [
      '{ id: a, url: "https://x.example", headers: { Authorization: "Basic eDp5" } }',
      'headers.Authorization: secrets are never written here: put a reference into secretHeaders',
    ],
    [
      '{ id: a, url: "https://x.example", headers: { Content-Encoding: gzip } }',
      'set by remote write itself',
    ],
    [
      '{ id: a, url: "https://x.example", bearerToken: { env: T }, secretHeaders: { authorization: { env: T } } }',
      'given twice',
    ],
    [
      '{ id: a, url: "https://x.example" }\n    - { id: a, url: "https://y.example" }',
      'already used',
    ],
  ])('%s is told with its place', (target, expected) => {
    const [first = '', ...others] = problemsOf(target);
    expect(first).toMatch(/^x\.yaml:[34]:\d+: /);
    expect(first).toContain(expected);
    expect(others).toEqual([]);
    expect(first).not.toContain('s3cret');
  });

  test('secrets reach the headers from their references, and no print shows the address', async () => {
    const loaded = good(
      '{ id: a, url: "https://x.example/T0KEN", every: 2s, bearerToken: { env: T }, headers: { X-Scope-OrgID: noc }, secretHeaders: { X-Api-Key: { env: K } } }',
    );
    const read = await readSecrets(loaded, { T: 's3cret', K: 'k3y' });
    if (!read.ok) throw new Error(read.problems.map(problemText).join('\n'));
    expect(remoteWrites(loaded.config, read.secrets)).toEqual([
      {
        id: 'a',
        url: 'https://x.example/T0KEN',
        every: 2000,
        headers: { 'X-Scope-OrgID': 'noc', 'X-Api-Key': 'k3y', authorization: 'Bearer s3cret' },
      },
    ]);
    expect(printConfig(loaded, false)).not.toMatch(/T0KEN|s3cret|k3y/);
  });

  test.each([
    [{}, 'the environment variable T is not set'],
    [{ T: 'two\r\nlines' }, 'one line of printable ASCII'],
  ])('a secret that cannot be a header is told: %j', async (env, expected) => {
    const loaded = good('{ id: a, url: "https://x.example", bearerToken: { env: T } }');
    const read = await readSecrets(loaded, env);
    expect(read.ok ? [] : read.problems.map(problemText)).toEqual([
      expect.stringContaining(expected),
    ]);
  });
});
