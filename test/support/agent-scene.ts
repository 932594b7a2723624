import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { systemClock } from '../../agent/adapters/system/system.ts';
import { type AgentOptions, type RunningAgent, startAgent } from '../../agent/main.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';
import type { SnmpEngine } from '../../agent/ports/snmp.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import { createFakeEchoEngine, createFakeLog } from './agent-fakes.ts';
import { type FakeCollector, openFakeCollector } from './fake-collector.ts';

export const TOKEN = 'vdt_secret-token-of-the-agent';
export const COMMUNITY = 'very-secret-community';

/** An ICMP and an SNMP target in rounds of half a second. */
export const config: AgentConfig = {
  v: 1,
  revision: 'r1',
  agent: 'branch-1',
  site: 'lyon',
  targets: [
    {
      id: 'r1-icmp',
      probe: 'icmp',
      subject: 'device:r1',
      address: '192.0.2.1',
      count: 5,
      every: 500,
      timeout: 100,
    },
    {
      id: 'r1-snmp',
      probe: 'snmp',
      subject: 'device:r1',
      address: '192.0.2.1',
      port: 161,
      credential: 'lan',
      every: 500,
      slowEvery: 5000,
      timeout: 200,
    },
  ],
  credentials: { lan: { version: '2c', community: COMMUNITY } },
  confirm: [],
};

export const big = 2n ** 60n;

/** One agent's world: a state folder, a collector, and what becomes of its echoes. */
export interface Scene {
  readonly folder: string;
  readonly log: ReturnType<typeof createFakeLog>;
  collector: FakeCollector;
  rttOf: (elapsed: number, request: EchoRequest) => number;
  start(options?: Partial<AgentOptions>): Promise<RunningAgent>;
  stop(agent: RunningAgent): Promise<void>;
  says(text: string): boolean;
  end(): Promise<void>;
}

async function createScene(): Promise<Scene> {
  let agents: RunningAgent[] = [];
  const scene: Scene = {
    folder: mkdtempSync(join(tmpdir(), 'vedette-agent-')),
    log: createFakeLog(),
    collector: await openFakeCollector(TOKEN),
    rttOf: () => 2,
    async start(options = {}) {
      const agent = await startAgent({
        server: scene.collector.url,
        token: TOKEN,
        stateDir: scene.folder,
        log: scene.log,
        openEngines: async () => {
          const echo = createFakeEchoEngine(systemClock, (at, request) => scene.rttOf(at, request));
          const openReflector = async () => ({ port: 1, close: async () => undefined });
          return { icmp: echo, stamp: echo, openReflector, snmp: createFakeSnmp() };
        },
        ...options,
      });
      agents.push(agent);
      return agent;
    },
    async stop(agent) {
      agents = agents.filter((other) => other !== agent);
      await agent.stop();
    },
    says: (text) => scene.log.lines.some((line) => JSON.stringify(line).includes(text)),
    async end() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await scene.collector.close();
      rmSync(scene.folder, { recursive: true, force: true });
    },
  };
  scene.collector.config = { etag: '"r1"', value: config };
  return scene;
}

function createFakeSnmp(): SnmpEngine {
  let polls = 0;
  return {
    name: 'fake',
    open: () => ({
      async system() {
        polls += 1;
        const at = systemClock.now();
        return { kind: 'answered', value: { at, uptimeTicks: polls * 50, engineBoots: 1 } };
      },
      async interfaces(withNames) {
        const counters = { inOctets: { value: big + BigInt(polls), bits: 64 as const } };
        const row = { ifIndex: 1, name: 'ge0', operUp: true, adminUp: true, counters };
        return { kind: 'answered', value: [withNames ? { ...row, alias: 'uplink' } : row] };
      },
      async environment() {
        return { kind: 'answered', value: { cpuRatio: 0.25 } };
      },
      close() {},
    }),
    close() {},
  };
}

export const test = base.extend<{ scene: Scene }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the fixtures destructured, and we need none
  scene: async ({}, use) => {
    const scene = await createScene();
    await use(scene);
    await scene.end();
  },
});
