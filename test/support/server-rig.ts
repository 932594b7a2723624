import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Fact } from '../../protocol/model/fact.ts';
import type { ObservedBatch } from '../../protocol/model/sample.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import type { DictionaryEntry, SampleBatch } from '../../protocol/wire/batch.ts';
import { openFileLog } from '../../server/adapters/file-log/file-log.ts';
import { createSnapshotFiles } from '../../server/adapters/file-log/snapshot-files.ts';
import { openDatabase, type ServerDatabase } from '../../server/adapters/sqlite/database.ts';
import { catchUp, keepUnsealed } from '../../server/catch-up.ts';
import { type AgentConfigs, createAgentConfigs } from '../../server/collect/agent-configs.ts';
import { createCollector } from '../../server/collect/collector.ts';
import type { EngineFactory } from '../../server/pipeline/core.ts';
import type { PipelineSnapshot, RestoreDeps } from '../../server/pipeline/restore.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from '../../server/pipeline.ts';
import type { History } from '../../server/ports/history.ts';
import type { InputLog, InputRecord } from '../../server/ports/input-log.ts';
import type { FactStore } from '../../server/ports/store.ts';
import { createFakeEngine, FAKE_SETTINGS } from './fake-engine.ts';

export const SPOOL = '0123456789abcdef';
export const LINK = 'link:lyon-mpls';

export const AGENT_CONFIG: AgentConfig = {
  v: 1,
  revision: 'rev-1',
  agent: 'agent-1',
  site: 'lyon',
  targets: [
    {
      id: 't-link',
      probe: 'icmp',
      subject: LINK,
      address: '192.0.2.1',
      count: 5,
      every: 5000,
      timeout: 1000,
    },
    {
      id: 't-snmp',
      probe: 'snmp',
      subject: 'device:lyon-r1',
      address: '192.0.2.2',
      port: 161,
      credential: 'c1',
      every: 30_000,
      slowEvery: 300_000,
      timeout: 1000,
    },
  ],
  credentials: { c1: { version: '2c', community: 'public' } },
  confirm: [],
};

export const DICTIONARY: DictionaryEntry[] = [
  { index: 0, metric: 'icmp_loss_ratio', subject: LINK, every: 5000 },
  { index: 1, metric: 'icmp_rtt_ms', subject: LINK, every: 5000 },
  { index: 2, metric: 'if_in_octets_total', subject: 'interface:lyon-r1/ge-0', bits: 64 },
];

export interface Rig {
  readonly folder: string;
  readonly pipeline: Pipeline;
  readonly app: FastifyInstance;
  readonly db: ServerDatabase;
  readonly log: InputLog;
  readonly configs: AgentConfigs;
  readonly token: string;
  readonly told: Fact[];
  readonly engine: ReturnType<typeof createFakeEngine>;
  /** Batches as the engine sees them. */
  readonly observed: ObservedBatch[];
  /** Long polls that wait. */
  waiting(): number;
  /** What the logger heard. */
  readonly said: { level: string; sentence: string }[];
  post(body: unknown, headers?: Record<string, string>, path?: string): Promise<Answer>;
  records(): Promise<InputRecord[]>;
  /** Ends without draining or a last snapshot, as kill -9 does for everything in memory. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
}

export interface RigOptions extends Partial<PipelineOptions> {
  readonly folder?: string;
  readonly wrapLog?: (log: InputLog) => InputLog;
  readonly wrapStore?: (store: FactStore) => FactStore;
  readonly rateLimit?: { perSecond: number; burst: number };
  /** Instead of the fake one. */
  readonly createEngine?: EngineFactory;
  /** Wired as the server does it. */
  readonly history?: History;
}

export const batch = (sequence: number, more: Partial<SampleBatch> = {}): SampleBatch => ({
  v: 1,
  agent: 'agent-1',
  spool: SPOOL,
  lane: 'live',
  sequence,
  at: Date.now() - 1000,
  dictionary: sequence === 1 ? DICTIONARY : [],
  gauges: { series: [0, 1], at: [0, 0], value: [0, 18.2] },
  counters: [],
  ...more,
});

const warmUpOf = (log: InputLog, history: History) => async (snapshot: PipelineSnapshot) => {
  await catchUp(snapshot, log, history);
};

/** Collector, pipeline, input log and database as the server wires them, around a fake engine. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'vedette-server-')));
  const db = openDatabase(join(folder, 'state.db'));
  const said: Rig['said'] = [];
  const say = (level: string) => (_fields: object, sentence: string) =>
    void said.push({ level, sentence });
  const log = await openFileLog({ folder: join(folder, 'log') });
  const configs = createAgentConfigs(new Map([['agent-1', AGENT_CONFIG]]));
  const told: Fact[] = [];
  const observed: ObservedBatch[] = [];
  const engine = createFakeEngine();
  const deps: RestoreDeps = {
    log: options.wrapLog?.(log) ?? (options.history ? keepUnsealed(log, options.history) : log),
    store: options.wrapStore?.(db.facts) ?? db.facts,
    snapshots: createSnapshotFiles({ folder: join(folder, 'snapshots') }),
    createEngine: options.createEngine ?? engine.factory,
    listener: {
      observed(one, at) {
        observed.push(one);
        options.history?.observed(one, at);
      },
    },
    ...(options.history && { warmUp: warmUpOf(log, options.history) }),
    logger: { info: say('info'), warn: say('warn'), error: say('error') },
    alongside: () => {},
    committed: (facts, at) => {
      told.push(...facts);
      configs.tell(facts, at.position);
    },
  };
  const starting = startPipeline(deps, { settings: FAKE_SETTINGS, ...options });
  const { pipeline } = await starting.catch(async (error: unknown) => {
    await log.close();
    db.close();
    throw error;
  });
  const now = (): EpochMs => epochMs(options.wall?.() ?? Date.now());
  const app = await createCollector({
    pipeline,
    tokens: db.tokens,
    configs,
    now,
    ...(options.rateLimit === undefined ? {} : { rateLimit: options.rateLimit }),
  });
  const token = db.tokens.create('agent-1', now()).token;
  const drop = async () => {
    await app.close();
    pipeline.abandon();
    await log.close();
    db.close();
  };
  return {
    folder,
    pipeline,
    app,
    db,
    log,
    configs,
    token,
    told,
    engine,
    observed,
    waiting: configs.waiting,
    said,
    async post(body, headers = {}, path = '/v1/samples') {
      const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
      const usual = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      // An empty one is not sent.
      const sent = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== '');
      const answer = await app.inject({
        method: path === '/v1/dictionary' ? 'PUT' : 'POST',
        url: path,
        headers: Object.fromEntries(sent),
        payload: isRaw ? body : JSON.stringify(body),
      });
      const text = answer.body;
      return {
        status: answer.statusCode,
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
        headers: answer.headers,
      };
    },
    async records() {
      const found: InputRecord[] = [];
      for await (const record of log.read(1)) found.push(record);
      return found;
    },
    drop,
    async close() {
      await app.close();
      await pipeline.stop();
      await log.close();
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
