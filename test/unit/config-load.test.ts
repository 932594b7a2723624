import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfig, loadConfigText, lookupPaths } from '../../config/load.ts';
import { printConfig } from '../../config/print.ts';
import { problemText } from '../../config/problem.ts';
import { ConfigSchema } from '../../config/schema.ts';
import { readSecrets } from '../../config/secrets.ts';
import { jsonSchema, propertiesOf, type Shape } from '../../config/shape.ts';
import { STARTER } from '../../config/starter.ts';
import { nearest, parseDuration } from '../../config/words.ts';

/** A small whole configuration; `more` is appended. */
const BASE = `sites:
  - { id: hub, hub: true }
  - { id: lyon, users: 12 }
agents:
  - { id: hub-a, site: hub, address: 192.0.2.8 }
devices:
  - { id: lyon-r1, site: lyon, address: 192.0.2.65 }
`;

const problemsOf = (text: string, env = {}): string[] => {
  const result = loadConfigText(text, 'x.yaml', env);
  return result.ok ? [] : result.problems.map(problemText);
};
const warningsOf = (text: string): string[] => {
  const result = loadConfigText(text, 'x.yaml');
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.warnings.map(problemText);
};
const good = (text: string, env = {}) => {
  const result = loadConfigText(text, 'x.yaml', env);
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result;
};

describe('errors name file, line, column, what was expected and the nearest name', () => {
  test.each([
    ['servr: {}', 'x.yaml:1:1: unknown key "servr"; did you mean "server"?'],
    [
      'sites:\n  - id: lyon\n    usres: 3',
      'x.yaml:3:5: sites[0]: unknown key "usres"; did you mean "users"?',
    ],
    [
      'sites:\n  - name: x',
      'x.yaml:2:5: sites[0]: "id" is missing: expected an id (letters, digits, ".", "_" and "-", at most 64, a letter or digit first)',
    ],
    [
      'intervals:\n  icmp:\n    every: 5 seconds',
      'x.yaml:3:12: intervals.icmp.every: expected a duration such as 500ms, 30s, 5m, 2h or 7d, found "5 seconds"',
    ],
    [
      'tickets: { mode: obsrve }',
      'x.yaml:1:18: tickets.mode: expected one of send, observe, found "obsrve"; did you mean "observe"?',
    ],
    ['sites: { id: x }', 'x.yaml:1:8: sites: expected a list, found a section'],
    [
      'server:\n  people: { port: 99999 }',
      'x.yaml:2:19: server.people.port: expected a port, 1 to 65535, found "99999"',
    ],
    ['sites: [}', 'x.yaml:1:9: this is not YAML'],
    ['a: 1\na: 2', 'x.yaml:2:1: this is not YAML: Map keys must be unique'],
    ['--- {}\n--- {}', 'this is not YAML'],
    ['just words', 'x.yaml:1:1: expected a section of keys and values, found "just words"'],
  ])('%j', (text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected);
  });

  test('every problem is reported, in the order of the file', () => {
    const lines = problemsOf(`servr: 1
sites:
  - { id: a b }
  - { id: c, users: many }
tickets:
  destinations: [{ id: d }]
`);
    expect(lines.map((line) => line.split(':')[1])).toEqual(['1', '3', '4', '6', '6']);
  });

  test.each([
    ['a literal community', 'credentials: { c: { version: 2c, community: gEheim99 } }'],
    [
      'a literal key',
      'credentials: { c: { version: "3", user: u, auth: { protocol: sha, key: gEheim99 } } }',
    ],
    [
      'a literal webhook secret',
      'tickets: { destinations: [{ id: d, url: "https://x.example", secrets: [whsec_gEheim99] }] }',
    ],
  ])('%s is refused with the way out, and not repeated', (_name, text) => {
    const all = problemsOf(text).join('\n');
    expect(all).toMatch(/secrets are never written here: \{ env: NAME \}/);
    expect(all).not.toContain('gEheim99');
  });

  test('the word public is no secret', () => {
    expect(problemsOf('credentials: { c: { version: 2c, community: public } }')).toEqual([]);
  });

  test('what looks like a number but is a text stays as it was written', () => {
    const { config } = good(
      `${BASE}links: [{ id: l, kind: wan, site: lyon, circuit: 0815, probes: [{ from: hub-a, icmp: 192.0.2.1 }] }]
credentials: { c: { version: 3, user: u } }`,
    );
    expect(config.links[0]?.circuit).toBe('0815');
    expect(config.credentials['c']?.version).toBe('3');
  });

  test('no text at all can end the loader with anything but an answer', () => {
    const words = ['sites:', '- ', 'id: ', 'x', '{', '}', '[', ']', ': ', '\n', '  ', '&a ', '*a'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words, '!!binary ', '"', '#', 'null')), (parts) => {
        const result = loadConfigText(parts.join(''), 'x.yaml');
        expect(typeof result.ok).toBe('boolean');
      }),
      { numRuns: 300 },
    );
  });

  test('aliases cannot blow up the memory or loop', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
`;
    expect(problemsOf(bomb)[0]).toMatch(/larger than|nested deeper/);
    expect(problemsOf('a: &a [*a]')[0]).toMatch(/larger than|nested deeper|unknown key/);
  });
});

describe('cross-checks', () => {
  test.each([
    ['sites: [{ id: a }, { id: a }]', '"a" is already used in sites'],
    [
      'agents: [{ id: a, site: lyn }]\nsites: [{ id: lyon }]',
      'no site "lyn"; did you mean "lyon"?',
    ],
    [
      'sites: [{ id: lyon }]\ndevices: [{ id: d, site: lyon, address: 10.0.0.1 }]',
      'no agent can reach this device: none is at site "lyon" and none is at a hub site',
    ],
    [
      `${BASE}  - { id: a, site: lyon, address: 10.0.0.1, behind: b }
  - { id: b, site: lyon, address: 10.0.0.2, behind: a }`,
      'devices lie behind each other: a → b → a',
    ],
    [
      `${BASE}  - { id: a, site: hub, address: 10.0.0.1, behind: lyon-r1 }`,
      '"lyon-r1" is at site "lyon": a device lies behind one of its own site',
    ],
    [
      `${BASE}  - { id: a, site: hub, address: 10.0.0.1, snmp: { credential: c } }`,
      'there is no credential "c"',
    ],
    [
      `${BASE}links: [{ id: l, kind: wan, site: lyon, ends: [{ device: lyon-r2 }] }]`,
      'x.yaml:8:58: links[0].ends[0].device: there is no device "lyon-r2"; did you mean "lyon-r1"?',
    ],
    [`${BASE}links: [{ id: l, kind: wan, site: lyon, peer: lyon }]`, 'cannot end where it begins'],
    [
      `${BASE}links:
  - { id: a, kind: overlay, site: lyon, underlays: [b] }
  - { id: b, kind: overlay, site: lyon, underlays: [a] }`,
      'links carry each other: a → b → a',
    ],
    [
      `${BASE}links: [{ id: a, kind: wan, site: lyon, underlays: [a] }]`,
      'only a link of kind overlay has underlays, not wan',
    ],
    [
      `${BASE}links: [{ id: a, kind: wan, site: lyon, probes: [{ from: hub-b, icmp: 10.0.0.1 }] }]`,
      'no agent "hub-b"; did you mean "hub-a"?',
    ],
    [
      `${BASE}links: [{ id: a, kind: wan, site: lyon, probes: [{ from: hub-a, stamp: "10.0.0.1" }] }]`,
      'expected ADDRESS:PORT of a STAMP reflector, found "10.0.0.1"',
    ],
    [
      'sites: [{ id: a, hub: true }, { id: b }]\nagents: [{ id: x, site: a }, { id: y, site: b, reflector: { address: 10.0.0.9 } }]\nlinks: [{ id: l, kind: wan, site: b, probes: [{ from: x, stamp: "10.0.0.9:862" }] }]',
      'the address of agent "x" is not known',
    ],
    ...['10.0.0.1.4', '10.0.0', '10.0.0.333', '1234', '10.0.0.1.'].map((typo): [string, string] => [
      `sites: [{ id: lyon, hub: true }]\ndevices: [{ id: d, site: lyon, address: "${typo}" }]`,
      'an IP address or a host name',
    ]),
    ['server: { people: { address: 0.0.0.0 } }', 'listens on loopback only'],
    ['server: { people: { address: "::" } }', 'listens on loopback only'],
    ['server: { agents: { address: 10.0.0.1 } }', 'tokens must not cross a network in clear'],
    ['server: { agents: { port: 8080 } }', 'agents and people need a port each'],
    [
      'tickets: { destinations: [{ id: d, url: "http://desk.example", secrets: [{ env: X }] }] }',
      'http:// beyond this machine can be read on the way',
    ],
    [
      'tickets: { destinations: [{ id: d, url: "https://a:b@desk.example", secrets: [{ env: X }] }] }',
      'a URL must not hold credentials',
    ],
    [
      'credentials: { c: { version: "3", user: u, privacy: { protocol: aes128, key: { env: X } } } }',
      'privacy needs auth',
    ],
    ['intervals: { icmp: { every: 2s, timeout: 3s } }', 'longer than a round (2s)'],
    ['timing: { lateAfter: 1s }', 'expected 10s or more'],
  ])('%j', (text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected);
  });

  test.each([
    [
      `${BASE}links: [{ id: a, kind: wan, site: lyon, probes: [{ from: hub-a, stamp: "10.0.0.1:862" }] }]`,
      'no agent declares a reflector at 10.0.0.1:862: fine if a router answers STAMP there',
    ],
    [`${BASE}links: [{ id: a, kind: wan, site: lyon }]`, 'nothing watches this link'],
    ['credentials: { c: { version: 2c, community: public } }', 'no device uses this credential'],
    [
      'tickets: { destinations: [{ id: d, url: "https://x.example", secrets: [{ env: X }], openAfter: { P2: 1s } }] }',
      'P2 is ticketed sooner (1s) than the graver P1 (10s)',
    ],
  ])('%j is only a warning', (text, expected) => {
    expect(warningsOf(text).join('\n')).toContain(expected);
  });
});

describe('rules', () => {
  const rule = (body: string) => problemsOf(`rules:\n  - ${body}`).join('\n');
  const whole =
    'holdFor: 0s, clearAfter: 1m, severity: minor, disturbance: degradation, cause: c, reason: r';

  test.each([
    ['{ id: link-latenci, raiseAt: 3 }', 'did you mean "link-latency"?'],
    ['{ id: link-latency, raiseAt: 3, clearAt: 5 }', 'the hysteresis is the wrong way round'],
    ['{ id: link-latency, raiseAt: 5, clearAt: 5 }', 'the hysteresis needs a gap'],
    ['{ id: link-latency, after: 5s }', 'is of kind threshold and has no after'],
    ['{ id: link-unreachable, missed: 5 }', '5 rounds cannot be missed out of 3'],
    [
      `{ id: x, on: [device], detector: { kind: threshold, metric: device_cpu_rato, raiseAt: 1, clearAt: 0 }, ${whole} }`,
      'no metric "device_cpu_rato"; did you mean "device_cpu_ratio"?',
    ],
    [
      `{ id: x, on: [link], detector: { kind: threshold, metric: device_cpu_ratio, raiseAt: 1, clearAt: 0 }, ${whole} }`,
      'device_cpu_ratio is never measured on a link; expected device',
    ],
    [
      `{ id: x, on: [interface], detector: { kind: threshold, metric: if_in_octets_total, raiseAt: 1, clearAt: 0 }, ${whole} }`,
      'is a counter, which only grows; judge a rate',
    ],
    [
      `{ id: x, on: [dvice], detector: { kind: snmp-silent, after: 1m }, ${whole} }`,
      'found "dvice"; did you mean "device"?',
    ],
    [
      '{ id: x, detector: { kind: interface-down } }',
      'a new rule also needs on, holdFor, clearAfter, severity, disturbance, cause, reason',
    ],
    ['{ id: link-latency, where: { sites: [nowhere] } }', 'there is no site "nowhere"'],
    ['{ id: link-latency, where: { subjects: ["link:x"] } }', 'there is no subject "link:x"'],
  ])('%s', (body, expected) => {
    expect(rule(body)).toContain(expected);
  });

  test('every rule of the pack can be switched off by its id', () => {
    const rules = DEFAULT_PACK.rules.map(({ id }) => `  - { id: ${id}, enabled: false }`);
    expect(problemsOf(`rules:\n${rules.join('\n')}`)).toEqual([]);
  });
});

describe('files and environment', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vedette-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);

  test('conf.d is merged in the order of names: lists append, single values replace', async () => {
    await mkdir(path.join(folder, 'conf.d'));
    await write('vedette.yaml', `${BASE}server: { people: { port: 8000 } }\n`);
    await write('conf.d/20-port.yaml', 'server: { people: { port: 8002 } }\n');
    await write(
      'conf.d/10-nice.yml',
      'sites: [{ id: nice }]\nserver: { people: { port: 8001 } }\n',
    );
    await write('conf.d/notes.txt', 'no: yaml: here');
    const loaded = await loadConfig(path.join(folder, 'vedette.yaml'), {});
    if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
    expect(loaded.config.sites.map(({ id }) => id)).toEqual(['hub', 'lyon', 'nice']);
    expect(loaded.config.server.people.port).toBe(8002);
    expect(loaded.files.map((file) => path.basename(file))).toEqual([
      'vedette.yaml',
      '10-nice.yml',
      '20-port.yaml',
    ]);
    expect(loaded.origins.get('/server/people/port')?.source).toMatch(/20-port\.yaml$/);
  });

  test('an error in conf.d names that file', async () => {
    await mkdir(path.join(folder, 'conf.d'));
    await write('vedette.yaml', BASE);
    await write('conf.d/a.yaml', 'sites: [{ id: hub }]');
    const loaded = await loadConfig(path.join(folder, 'vedette.yaml'), {});
    expect(loaded.ok ? [] : loaded.problems.map(problemText)).toEqual([
      `${path.join(folder, 'conf.d/a.yaml')}:1:15: sites[2].id: "hub" is already used in sites`,
    ]);
  });

  test('a file that is not there is said plainly; without any file the way on is shown', async () => {
    const missing = await loadConfig(path.join(folder, 'no.yaml'), {});
    expect(missing.ok ? '' : problemText(missing.problems[0]!)).toMatch(/no\.yaml: no such file/);
    const paths = lookupPaths({ XDG_CONFIG_HOME: '/x' });
    expect(paths).toEqual(['vedette.yaml', '/x/vedette/vedette.yaml', '/etc/vedette/vedette.yaml']);
    const byEnv = await loadConfig(undefined, { VEDETTE_CONFIG: path.join(folder, 'env.yaml') });
    expect(byEnv.ok ? '' : problemText(byEnv.problems[0]!)).toMatch(/env\.yaml: no such file/);
  });

  test('the environment has the last word, by section, key and id of an entry', () => {
    const { config, origins } = good(BASE, {
      VEDETTE__SERVER__PUBLIC_URL: 'https://noc.example.com',
      VEDETTE__SITES__LYON__USERS: '99',
      VEDETTE__SITES__0__HUB: 'true',
      VEDETTE__TICKETS: '{ mode: observe }',
      VEDETTE_TOKEN: 'not ours',
    });
    expect(config.server.publicUrl).toBe('https://noc.example.com');
    expect(config.sites[1]?.users).toBe(99);
    expect(config.tickets).toEqual({ mode: 'observe', destinations: [] });
    expect(origins.get('/sites/1/users')).toEqual({
      source: 'environment variable VEDETTE__SITES__LYON__USERS',
    });
  });

  test.each([
    [
      { VEDETTE__SERVR__X: '1' },
      'there is no "SERVR" in the configuration; did you mean "server"?',
    ],
    [{ VEDETTE__SITES__LYN__USERS: '1' }, 'the list has no entry "LYN"; did you mean "lyon"?'],
    [{ VEDETTE__SERVER__PEOPLE__PORT: 'http' }, 'expected a port, 1 to 65535, found "http"'],
    [{ VEDETTE__SERVER: '{' }, 'its value is not YAML'],
  ])('%j is refused by name', (env, expected) => {
    const all = problemsOf(BASE, env).join('\n');
    expect(all).toContain(`environment variable ${Object.keys(env)[0]}`);
    expect(all).toContain(expected);
  });

  test('secrets come from the environment, from files beside the file, from systemd', async () => {
    const whsec = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    await write('hook', `${whsec}\n`);
    await write('snmp-auth', 'a-long-key\n');
    await write(
      'vedette.yaml',
      `credentials:
  v2: { version: 2c, community: { env: COMMUNITY } }
  v3: { version: '3', user: u, auth: { protocol: sha, key: { credential: snmp-auth } } }
tickets: { destinations: [{ id: d, url: 'https://x.example', secrets: [{ file: hook }] }] }
`,
    );
    const loaded = await loadConfig(path.join(folder, 'vedette.yaml'), {});
    if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
    const env = { COMMUNITY: 'c0', CREDENTIALS_DIRECTORY: folder };
    const found = await readSecrets(loaded, env);
    if (!found.ok) throw new Error(found.problems.map(problemText).join('\n'));
    const { v2 } = loaded.config.credentials;
    expect(v2?.version === '2c' && found.secrets(v2.community)).toBe('c0');
    expect(found.secrets(loaded.config.tickets.destinations[0]!.secrets[0]!)).toBe(whsec);

    const missing = await readSecrets(loaded, {});
    expect(missing.ok ? [] : missing.problems.map(problemText)).toEqual([
      expect.stringMatching(/:2:\d+: credentials\.v2\.community: .*COMMUNITY is not set/),
      expect.stringMatching(/:3:\d+: credentials\.v3\.auth\.key: .*CREDENTIALS_DIRECTORY/),
    ]);
    await write('hook', 'plain text');
    const bad = await readSecrets(loaded, env);
    const text = bad.ok ? '' : problemText(bad.problems[0]!);
    expect(text).toMatch(/whsec_ followed by base64/);
    expect(text).not.toContain('plain text');
  });
});

/** Every key of a schema as a path, entries of lists and records as `*`. */
const pathsOf = (shape: Shape, at = ''): string[] => [
  ...propertiesOf(shape).flatMap(([name, child]) => [
    `${at}/${name}`,
    ...pathsOf(child, `${at}/${name}`),
  ]),
  ...Object.values(shape.patternProperties ?? {}).flatMap((child) => pathsOf(child, `${at}/*`)),
  ...(shape.anyOf ?? []).flatMap((child) => pathsOf(child, at)),
  ...(shape.items === undefined ? [] : pathsOf(shape.items, `${at}/*`)),
];

describe('the example and the starter', () => {
  test('the example is valid and draws no warning', async () => {
    const loaded = await loadConfig('config.example.yaml', {});
    expect(loaded.ok ? [] : loaded.problems.map(problemText)).toEqual([]);
    expect(loaded.ok ? loaded.warnings : ['x']).toEqual([]);
  });

  test('the example writes every option out', async () => {
    const loaded = await loadConfig('config.example.yaml', {});
    if (!loaded.ok) throw new Error('invalid');
    const written = new Set(
      [...loaded.origins]
        .filter(([, { source }]) => source !== 'default')
        .map(([pointer]) => pointer.replace(/^\/credentials\/[^/]+/, '/credentials/*'))
        .map((pointer) => pointer.replace(/\/(headers|secretHeaders)\/[^/]+/, '/$1/*'))
        .map((pointer) => pointer.replace(/\/\d+(?=\/|$)/g, '/*')),
    );
    const missing = pathsOf(ConfigSchema as object).filter((at) => !written.has(at));
    // Fields of kinds of detectors that the pack has and few write anew.
    const rare =
      /^.rules...detector.(also|probe|missed|outOf|after|least|share|settleFor|forgetAfter|alongside.*|youngAt|times|evidence|perPacket|margin|within|badAt|objective|windows.*)$/;
    // Each of the three ways to a secret is shown once.
    const isWay = (at: string) =>
      /(community|key|bearerToken|Headers\/\*|secrets\/\*)\/(env|file|credential)$/.test(at);
    // Formulas of needs may hold formulas again; a calendar file would have to be there.
    const isOther = (at: string) =>
      /needs\/(all|any|of)\/.*[a-z]$|maintenance\/\*\/ical$/i.test(at);
    const left = missing.filter((at) => !rare.test(at) && !isWay(at) && !isOther(at));
    expect(left).toEqual([]);
  });

  test('the starter is valid', () => {
    expect(problemsOf(STARTER)).toEqual([]);
  });
});

test('the JSON schema asks for nothing that has a default and knows no key twice', () => {
  const schema = jsonSchema(ConfigSchema as object);
  expect(schema['required']).toBeUndefined();
  expect(JSON.stringify(schema)).not.toContain('"expected"');
  expect(schema['additionalProperties']).toBe(false);
});

test('print shows origins and hides what may be a token in an address', () => {
  const loaded = good(
    `${BASE}server: { heartbeat: { url: https://hc.example.com/0a1b2c3d } }
tickets: { destinations: [{ id: d, url: 'https://x.example/hook/T0KEN', secrets: [{ env: X }] }] }`,
  );
  for (const text of [printConfig(loaded, false), printConfig(loaded, true)]) {
    expect(text).not.toMatch(/0a1b2c3d|T0KEN/);
    expect(text).toContain('https://x.example/… (hidden)');
    expect(text).toContain('x.yaml:7:');
  }
  expect(printConfig(loaded, false)).toContain('port: 8081 # default');
});

test('durations and near names', () => {
  expect(['500ms', '1.5s', '5m', '2h', '7d'].map(parseDuration)).toEqual([
    500, 1500, 300_000, 7_200_000, 604_800_000,
  ]);
  expect(nearest('lyno', ['lyon', 'paris'])).toBe('lyon');
  expect(nearest('zzz', ['lyon', 'paris'])).toBeUndefined();
  expect(nearest('', ['a'])).toBe('a');
});
