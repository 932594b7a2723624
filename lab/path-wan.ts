import type { StampPath } from './stamp-path.ts';

export interface PathWanOptions {
  readonly agent: string;
  readonly ports: { readonly agents: number; readonly people: number };
  readonly state: string;
  readonly sinkUrl: string;
  readonly secretEnv: string;
  readonly stamp: { readonly every: string; readonly timeout: string };
}

/**
 * The smallest WAN that can fail: one hub and one branch for each path, watched by STAMP alone, with
 * tickets sent at once. In the form of vedette.yaml; path n is link `ln` to site `sn`.
 */
export function pathWanConfig(paths: readonly StampPath[], options: PathWanOptions): object {
  return {
    server: {
      agents: { port: options.ports.agents },
      people: { port: options.ports.people },
      state: options.state,
    },
    sites: [
      { id: 'hub', hub: true, users: 10 },
      ...paths.map((_, n) => ({ id: `s${n}`, users: 10 })),
    ],
    devices: paths.map((_, n) => ({
      id: `r${n}`,
      site: `s${n}`,
      address: '127.0.0.1',
      icmp: false,
    })),
    links: paths.map((path, n) => ({
      id: `l${n}`,
      kind: 'wan',
      site: `s${n}`,
      peer: 'hub',
      ends: [{ device: `r${n}` }],
      probes: [{ from: options.agent, stamp: `127.0.0.1:${path.port}` }],
    })),
    agents: [{ id: options.agent, site: 'hub' }],
    intervals: { stamp: { count: 5, ...options.stamp } },
    tickets: {
      destinations: [
        {
          id: 'sink',
          url: options.sinkUrl,
          secrets: [{ env: options.secretEnv }],
          openAfter: { P1: '0s', P2: '0s', P3: '0s', P4: '0s', P5: '0s' },
        },
      ],
    },
  };
}
