import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import {
  agentConfigs,
  destinations,
  engineSettings,
  inventoryOf,
  serverOptions,
} from '../../config/map.ts';
import { problemText } from '../../config/problem.ts';
import type { Secrets } from '../../config/secrets.ts';
import { AgentConfig } from '../../protocol/wire/agent-config.ts';

const TEXT = `
sites:
  - { id: hub, name: Paris, hub: true, users: 900 }
  - { id: lyon, users: 142 }
  - { id: nice, users: 20 }
agents:
  - { id: hub-a, site: hub, address: 192.0.2.8 }
  - { id: lyon-a, site: lyon, reflector: { address: 192.0.2.70 } }
devices:
  - { id: hub-r1, site: hub, address: 192.0.2.1, snmp: { credential: v3 } }
  - { id: lyon-r1, site: lyon, address: 192.0.2.65, snmp: { credential: v2, port: 1161 } }
  - { id: lyon-sw, site: lyon, address: 192.0.2.66, behind: lyon-r1, snmp: { credential: v2 } }
  - { id: nice-r1, site: nice, address: 192.0.2.129, icmp: false, snmp: { credential: v2 } }
links:
  - id: lyon-mpls
    kind: wan
    site: lyon
    peer: hub
    ends: [{ device: lyon-r1, interface: Gi0/0 }]
    probes:
      - { from: hub-a, icmp: 198.51.100.65 }
      - { from: hub-a, stamp: '192.0.2.70:862', dscp: 46, source: 192.0.2.9 }
      - { from: hub-a, stamp: '[2001:db8::1]:8620', clocksSynchronised: true }
credentials:
  v2: { version: 2c, community: public }
  v3: { version: '3', user: u, auth: { protocol: sha256, key: { env: K } } }
rules:
  - { id: link-latency, raiseAt: 200, clearAt: 100, holdFor: 2m, enabled: false }
  - { id: snmp-silent, after: 10m }
  - id: mine
    on: [device]
    detector: { kind: threshold, metric: device_cpu_ratio, raiseAt: 0.99, clearAt: 0.9 }
    holdFor: 1m
    clearAfter: 30s
    severity: minor
    disturbance: degradation
    cause: busy
    reason: because
timing: { reopenWithin: 1h, staleIntervals: 5 }
tickets:
  destinations:
    - { id: desk, url: 'https://desk.example.com', secrets: [{ env: W }], openAfter: { P1: 0s, P4: 1h } }
server: { publicUrl: 'https://noc.example.com/', heartbeat: { url: 'https://hc.example.com/x' } }
`;

const load = (text: string) => {
  const result = loadConfigText(text, 'x.yaml');
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.config;
};
const config = load(TEXT);
const secrets: Secrets = (ref) => (ref === 'public' ? ref : `secret of ${JSON.stringify(ref)}`);

describe('what agents are told', () => {
  const configs = agentConfigs(config, secrets);
  const hub = configs.get('hub-a')!;
  const lyon = configs.get('lyon-a')!;

  test('every configuration follows the wire schema', () => {
    for (const one of configs.values()) {
      expect([...Value.Errors(AgentConfig, one)]).toEqual([]);
    }
  });

  test('devices are polled by the agents of their site, else by those of the hub', () => {
    const ids = (one: AgentConfig) => one.targets.map(({ id }) => id);
    expect(ids(hub)).toEqual([
      'icmp.hub-r1',
      'snmp.hub-r1',
      'snmp.nice-r1',
      'link.lyon-mpls.0',
      'link.lyon-mpls.1',
      'link.lyon-mpls.2',
    ]);
    expect(ids(lyon)).toEqual(['icmp.lyon-r1', 'snmp.lyon-r1', 'icmp.lyon-sw', 'snmp.lyon-sw']);
  });

  test('devices that end a WAN link are read every 30 s, others every 60 s', () => {
    const every = Object.fromEntries(
      [...hub.targets, ...lyon.targets]
        .filter((target) => target.probe === 'snmp')
        .map((target) => [target.id, target.every]),
    );
    expect(every).toEqual({
      'snmp.hub-r1': 60_000,
      'snmp.nice-r1': 60_000,
      'snmp.lyon-r1': 30_000,
      'snmp.lyon-sw': 60_000,
    });
  });

  test('path probes keep their address, port, source and marking', () => {
    expect(hub.targets.slice(-2)).toEqual([
      {
        id: 'link.lyon-mpls.1',
        probe: 'stamp',
        subject: 'link:lyon-mpls',
        address: '192.0.2.70',
        port: 862,
        source: '192.0.2.9',
        dscp: 46,
        count: 5,
        every: 5000,
        timeout: 1000,
      },
      expect.objectContaining({ address: '2001:db8::1', port: 8620, clocksSynchronised: true }),
    ]);
  });

  test('an agent gets only the credentials it needs', () => {
    expect(Object.keys(lyon.credentials)).toEqual(['v2']);
    expect(Object.keys(hub.credentials)).toEqual(['v2', 'v3']);
    expect(hub.credentials['v3']).toMatchObject({ auth: { key: 'secret of {"env":"K"}' } });
  });

  test('a reflector answers those who probe it, and nobody else', () => {
    expect(lyon.reflector).toEqual({ address: '192.0.2.70', port: 862, peers: ['192.0.2.9'] });
    expect(hub.reflector).toBeUndefined();
  });

  test('the revision follows the content', () => {
    const again = agentConfigs(load(TEXT), secrets);
    const changed = agentConfigs(load(TEXT.replace('192.0.2.66', '192.0.2.67')), secrets);
    expect(again.get('lyon-a')?.revision).toBe(lyon.revision);
    expect(changed.get('lyon-a')?.revision).not.toBe(lyon.revision);
    expect(changed.get('hub-a')?.revision).toBe(hub.revision);
  });

  test('the longest id that is allowed still makes a target id', () => {
    const long = 'x'.repeat(64);
    const two = load(`sites: [{ id: a, hub: true }]
agents: [{ id: g, site: a }]
devices: [{ id: ${long}, site: a, address: 10.0.0.1 }, { id: ${long.slice(1)}y, site: a, address: 10.0.0.2 }]`);
    const { targets } = agentConfigs(two, secrets).get('g')!;
    expect(new Set(targets.map(({ id }) => id)).size).toBe(2);
    expect(targets.every(({ id }) => id.length <= 64)).toBe(true);
  });
});

describe('what the engine decides by', () => {
  const settings = engineSettings(config, 'test', DEFAULT_PACK);
  const rule = (id: string) => settings.rules.find((one) => one.id === id);

  test('names default to ids, and nothing of the probes leaks into the inventory', () => {
    const { sites, devices, links } = inventoryOf(config);
    expect(sites.map(({ name }) => name)).toEqual(['Paris', 'lyon', 'nice']);
    expect(devices[0]).toEqual({ id: 'hub-r1', name: 'hub-r1', site: 'hub', address: '192.0.2.1' });
    expect(links[0]).not.toHaveProperty('probes');
  });

  test('rules of the pack are changed by id, one of our own is added, the rest stays', () => {
    expect(settings.rules).toHaveLength(DEFAULT_PACK.rules.length + 1);
    expect(rule('link-latency')).toMatchObject({
      enabled: false,
      holdFor: 120_000,
      detector: { band: { raiseAt: 200, clearAt: 100 } },
    });
    expect(rule('snmp-silent')?.detector).toEqual({ kind: 'snmp-silent', after: 600_000 });
    expect(rule('mine')).toEqual({
      id: 'mine',
      on: ['device'],
      detector: {
        kind: 'threshold',
        metric: 'device_cpu_ratio',
        over: 60_000,
        band: { raiseAt: 0.99, clearAt: 0.9 },
      },
      holdFor: 60_000,
      clearAfter: 30_000,
      severity: 'minor',
      disturbance: 'degradation',
      cause: 'busy',
      reason: 'because',
      advice: [],
      enabled: true,
    });
    const untouched = DEFAULT_PACK.rules.find(({ id }) => id === 'interface-down');
    expect(rule('interface-down')).toBe(untouched);
  });

  test('timing takes what is given and keeps the rest', () => {
    expect(settings.timing).toEqual({
      ...DEFAULT_PACK.timing,
      reopenWithin: 3_600_000,
      staleIntervals: 5,
    });
  });

  test('each agent watches the subjects of its targets, once each', () => {
    expect(settings.watches).toEqual([
      { agent: 'hub-a', subjects: ['device:hub-r1', 'device:nice-r1', 'link:lyon-mpls'] },
      { agent: 'lyon-a', subjects: ['device:lyon-r1', 'device:lyon-sw'] },
    ]);
  });

  test('settings survive a journey through JSON', () => {
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
  });
});

test('destinations have milliseconds by priority; never is absent; observe sends nothing', () => {
  expect(destinations(config, secrets)).toEqual([
    {
      id: 'desk',
      url: 'https://desk.example.com',
      secrets: ['secret of {"env":"W"}'],
      openAfter: { 1: 0, 2: 60_000, 3: 300_000, 4: 3_600_000 },
      plainHttp: false,
    },
  ]);
  const watching = load(TEXT.replace('tickets:', 'tickets:\n  mode: observe'));
  expect(destinations(watching, secrets)).toEqual([]);
});

test.each([
  [{ STATE_DIRECTORY: '/var/lib/vedette' }, '/var/lib/vedette'],
  [{ XDG_STATE_HOME: '/x' }, '/x/vedette'],
  [{ HOME: '/home/ada' }, '/home/ada/.local/state/vedette'],
])('with %j the state is in %s', (env, stateDir) => {
  expect(serverOptions(config, env)).toEqual({
    agents: { address: '127.0.0.1', port: 8081 },
    people: { address: '127.0.0.1', port: 8080 },
    stateDir,
    publicUrl: 'https://noc.example.com',
    heartbeat: { url: 'https://hc.example.com/x', every: 60_000 },
  });
});

test('two thousand sites with two devices and a link each are loaded in time that grows with their number', () => {
  const n = 2000;
  const list = (make: (i: number) => string) =>
    Array.from({ length: n }, (_, i) => make(i)).join('');
  const text = `sites:\n  - { id: hub, hub: true }\n${list((i) => `  - { id: s${i} }\n`)}
agents:\n  - { id: h, site: hub, address: 10.9.9.9 }\n${list((i) => `  - { id: a${i}, site: s${i}, reflector: { address: 10.1.${i >> 8}.${i & 255} } }\n`)}
devices:\n${list((i) => `  - { id: r${i}, site: s${i}, address: 10.2.${i >> 8}.${i & 255} }\n  - { id: w${i}, site: s${i}, address: 10.3.${i >> 8}.${i & 255}, behind: r${i} }\n`)}
links:\n${list((i) => `  - { id: l${i}, kind: wan, site: s${i}, peer: hub, ends: [{ device: r${i} }], probes: [{ from: h, stamp: '10.1.${i >> 8}.${i & 255}:862' }] }\n`)}`;
  const before = performance.now();
  const large = load(text);
  const parsed = performance.now();
  expect(agentConfigs(large, secrets).size).toBe(n + 1);
  engineSettings(large, 'x', DEFAULT_PACK);
  // The wide margin is for a busy machine; alone it takes about a tenth of it.
  expect(parsed - before).toBeLessThan(20_000);
  expect(performance.now() - parsed).toBeLessThan(2000);
});
