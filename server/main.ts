import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { schedule } from 'node-cron';
import type { Logger } from 'pino';
import type {
  DestinationOptions,
  HistoryKeeping,
  RemoteWriteOptions,
  ServerOptions,
} from '../config/map.ts';
import { isIncidentFact } from '../protocol/model/fact.ts';
import type { AgentId } from '../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { AgentConfig } from '../protocol/wire/agent-config.ts';
import { createEngine } from '../rules/engine.ts';
import type { EngineSettings } from '../rules/settings.ts';
import { openFileLog } from './adapters/file-log/file-log.ts';
import { createSnapshotFiles } from './adapters/file-log/snapshot-files.ts';
import { createMaintenanceFile } from './adapters/maintenance-file/maintenance-file.ts';
import { createMarksFile } from './adapters/remote-write/marks-file.ts';
import { createRemoteWriter } from './adapters/remote-write/remote-write.ts';
import { lockFolder, openDatabase } from './adapters/sqlite/database.ts';
import { openHistoryStore } from './adapters/sqlite/history-store.ts';
import { createWebhookDelivery } from './adapters/webhook/webhook.ts';
import { catchUp, keepUnsealed } from './catch-up.ts';
import { createAgentConfigs } from './collect/agent-configs.ts';
import { createCollector } from './collect/collector.ts';
import { startDeadMan } from './dead-man.ts';
import { figuresOf, readinessOf } from './figures.ts';
import { createForwarder } from './forward/forwarder.ts';
import { createHistory, type RunningHistory } from './history/history.ts';
import { startSealerThread } from './history/sealer-thread.ts';
import { type ConfiguredWindows, createMaintenance } from './maintenance.ts';
import { isOwnTroubleIn, startOwnIncidents } from './own-incidents.ts';
import type { SnapshotterOptions } from './pipeline/snapshotter.ts';
import { startPipeline } from './pipeline.ts';
import { ownTroubles } from './show/own-troubles.ts';
import { createShow } from './show/show.ts';
import { createStatusModel } from './show/status-model.ts';
import { createShutdown } from './shutdown.ts';
import { planDeliveries } from './ticket/plan.ts';
import { createTicketer } from './ticket/ticketer.ts';

export { createHistoryFile, predictUse } from './history/history-file.ts';
export { loadAll } from './history/sealer-thread.ts';
export { exportLines } from './input-log/export-lines.ts';
export type { PipelineSnapshot } from './pipeline/restore.ts';
export { readStoredHistory } from './stored-history.ts';

/** A configuration as the server takes it: at the start, and again when it is reloaded. */
export interface ServerSetup {
  readonly options: ServerOptions;
  /** Settings of the engine, given the name that makes this installation's incident ids unique. */
  readonly settings: (installation: string) => EngineSettings;
  readonly agentConfigs: ReadonlyMap<AgentId, AgentConfig>;
  readonly destinations: readonly DestinationOptions[];
  /** Announced work of the configuration. Absent = none. */
  readonly maintenance?: ConfiguredWindows;
  /** Other time series stores that every sample is written to. */
  readonly remoteWrites?: readonly RemoteWriteOptions[];
}

export interface StartOptions {
  readonly setup: ServerSetup;
  readonly version: string;
  readonly log: Logger;
  readonly snapshot?: SnapshotterOptions;
}

export interface RunningServer {
  readonly agentsUrl: string;
  readonly peopleUrl: string;
  /** Swaps rules, inventory, agents and destinations; listeners and folders need a restart. */
  reload(setup: ServerSetup): Promise<void>;
  /** Stops taking, finishes what came, lets tickets under way arrive, takes a snapshot. */
  stop(): Promise<void>;
}

/** Something in the configuration that the server must not start with (exit code 78). */
export class ServerConfigError extends Error {
  readonly code = 'SERVER_CONFIG';
}

const DAY_MS = 86_400_000;
const LOG_RETENTION = { retainFor: durationMs(7 * DAY_MS), retainBytes: 2 * 1024 ** 3 };
export const DEFAULT_KEEPING: HistoryKeeping = {
  rawFor: durationMs(14 * DAY_MS),
  rollupFor: durationMs(400 * DAY_MS),
};
/** Every hour: a little each time, and late samples are in the figures soon. */
const KEEP_AT = '23 * * * *';
const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;
const PAGE = fileURLToPath(new URL('../web/dist', import.meta.url));
/** Incidents that the page knows after a restart. */
const SHOWN_INCIDENTS = 1000;
/** Every night at seven past three, by this machine's clock. */
const UNROLL_AT = '7 3 * * *';
/** For everything together; what is not done by then is done after the next start. */
const STOP_WITHIN_MS = 18_000;

/** Wires one server, in the order in which a sample passes through it. */
export async function startServer(start: StartOptions): Promise<RunningServer> {
  const shutdown = createShutdown(start.log);
  try {
    return await wire(start, shutdown);
  } catch (error) {
    await shutdown.run(STOP_WITHIN_MS);
    throw error;
  }
}

type Shutdown = ReturnType<typeof createShutdown>;

async function wire(start: StartOptions, shutdown: Shutdown): Promise<RunningServer> {
  const { log, version } = start;
  let { setup } = start;
  const { options } = setup;
  const tls = checkListeners(options);
  const state = await openState(options.stateDir, log, shutdown);
  const { db, inputs, snapshots, installation } = state;
  const wall = (): EpochMs => epochMs(Date.now());
  const maintenance = createMaintenance({
    store: createMaintenanceFile(join(options.stateDir, 'maintenance.json')),
    configured: () => setup.maintenance,
    inventory: () => inventory,
    apply: () => pipeline.configure(settingsNow()),
    now: wall,
    log,
  });
  const settingsNow = () => maintenance.into(setup.settings(installation));
  const settings = settingsNow();
  let { inventory } = settings;

  const history = startHistory(options, log, shutdown);

  // What people see, as far as it was recorded.
  const model = createStatusModel({
    version,
    inventory: settings.inventory,
    watches: settings.watches,
    ...(settings.maintenance && { maintenance: settings.maintenance }),
    own: () => ownTroubles(pipeline.state().stalledBy, history.state()),
    latest: history.latest,
    tickets: db.outbox.tickets,
  });
  model.restore(db.facts.incidents({ state: 'all', limit: SHOWN_INCIDENTS }));
  model.apply(db.facts.health(), wall());

  const configs = createAgentConfigs(setup.agentConfigs);
  let sender = startSender();
  shutdown.add('tickets', () => sender.stop());

  let forwarder = startForwarder();
  shutdown.add('remote write', () => forwarder.stop());

  // Append, judge, commit; the replay of what was not judged before the last end comes first.
  const { pipeline, restored } = await startPipeline(
    {
      log: keepUnsealed(inputs, history),
      store: db.facts,
      snapshots,
      createEngine,
      logger: log,
      warmUp: async (snapshot) => {
        const read = await catchUp(snapshot, inputs, history);
        log.info({ read, from: snapshot.position }, 'the history has caught up');
      },
      listener: {
        observed(batch, at) {
          history.observed(batch, at);
          forwarder.observed(batch, at);
        },
        heard: (agent, { now: at }, sentAt, heartbeat) =>
          model.heard(agent, { at, ...(sentAt && { sentAt }), ...(heartbeat && { heartbeat }) }),
        learned: model.learned,
        configured: (next) => model.configure(next.inventory, next.watches, next.maintenance),
      },
      alongside(facts, { position, now }) {
        const { publicUrl } = setup.options;
        const context = { position, now, inventory, ...(publicUrl && { publicUrl }) };
        planDeliveries(db.outbox, facts, setup.destinations, context);
      },
      committed(facts, { position, now }) {
        model.apply(facts, now);
        configs.tell(facts, position);
        if (facts.some(isIncidentFact)) sender.wake();
      },
    },
    { settings, ...(start.snapshot && { snapshot: start.snapshot }) },
  );
  const ownIncidents = startOwnIncidents({
    history: history.state,
    wasTold: isOwnTroubleIn(db.facts.incidents({ state: 'all', limit: SHOWN_INCIDENTS })),
    command: pipeline.command,
    now: wall,
    log,
  });
  shutdown.add('own incidents', ownIncidents.stop);
  forwarder.restored(restored.position);
  const { known } = restored.core;
  model.learned(known.interfaces());
  for (const [agent, heard] of known.agents()) model.heard(agent, heard);
  sender.wake();

  const people = await createShow({
    version,
    status: model,
    incidents: db.facts,
    deliveries: db.outbox,
    trends: db.facts,
    samples: history,
    commands: pipeline,
    now: wall,
    acknowledgeFor: settings.timing.acknowledgeFor,
    hosts: options.publicUrl === undefined ? [] : [new URL(options.publicUrl).hostname],
    pageRoot: PAGE,
    maintenance,
    readiness: () => readinessOf(pipeline, history),
    *figures() {
      yield* figuresOf(pipeline, history, () => sender.inFlight());
      yield* forwarder.figures();
    },
    log,
  });
  shutdown.add('listener for people', () => people.close());
  const { tokens } = db;
  const collector = await createCollector({
    pipeline,
    tokens,
    configs,
    now: wall,
    log,
    ...(tls && { tls }),
  });
  shutdown.add('listener for agents', () => collector.close());
  // First of all to stop: what still comes is told that the server drains.
  shutdown.add('pipeline', () => {
    configs.release();
    return pipeline.stop();
  });

  const peopleUrl = await listen(people, options.people, false);
  const agentsUrl = await listen(collector, options.agents, tls !== undefined);
  if (options.heartbeat !== undefined) {
    const progress = () => pipeline.state().applied;
    const deadMan = startDeadMan({ ...options.heartbeat, progress, post, log });
    shutdown.add('outside watcher', deadMan.stop);
  }
  // Repeated windows are unrolled some weeks ahead: every night another day of them is added.
  const nightly = schedule(UNROLL_AT, refresh, { noOverlap: true, suppressMissedWarning: true });
  shutdown.add('nightly look at the calendar', () => nightly.destroy());
  log.info({ agentsUrl, peopleUrl, installation, version }, 'watching');

  return {
    agentsUrl,
    peopleUrl,
    async reload(next) {
      warnAboutRestart(setup.options, next.options, log);
      const isForwardingSame = isSame(setup.remoteWrites, next.remoteWrites);
      // Rows of this very change already go where the new configuration says.
      setup = next;
      const fresh = settingsNow();
      inventory = fresh.inventory;
      await pipeline.configure(fresh);
      configs.replace(next.agentConfigs);
      const old = sender;
      sender = startSender();
      await old.stop();
      sender.wake();
      if (!isForwardingSame) forwarder = startForwarder(forwarder.stop());
    },
    stop: () => shutdown.run(STOP_WITHIN_MS),
  };

  async function refresh(): Promise<void> {
    try {
      await pipeline.configure(settingsNow());
    } catch (err) {
      log.error({ err }, 'maintenance windows could not be refreshed; tried again tomorrow');
    }
  }

  /** Hands samples on to the stores of now, once what went before has ended. */
  function startForwarder(after?: Promise<void>) {
    const targets = (setup.remoteWrites ?? []).map((target) => ({
      ...target,
      writer: createRemoteWriter({ ...target, version }),
    }));
    const marks = createMarksFile(join(options.stateDir, 'remote-write.json'));
    return createForwarder({ targets, marks, log, ...(after && { after }) });
  }

  /** What carries tickets out, for the destinations of now. */
  function startSender() {
    const { destinations } = setup;
    const clock = { now: wall };
    const delivery = createWebhookDelivery({ endpoints: destinations, clock });
    const onChange = model.ticketsChanged;
    const { outbox } = db;
    const ticketer = createTicketer({ outbox, delivery, clock, log, destinations, onChange });
    const stop = () => ticketer.stop().finally(() => delivery.close());
    return { ...ticketer, stop };
  }
}

/** Folders, files and the lock on them: one server per state folder. */
async function openState(folder: string, log: Logger, shutdown: Shutdown) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(join(folder, 'lock.db'));
  shutdown.add('lock', () => lock.release());
  const db = openDatabase(join(folder, 'state.db'));
  shutdown.add('database', () => db.close());
  const inputs = await openFileLog({
    folder: join(folder, 'log'),
    ...LOG_RETENTION,
    onTorn: (file, bytes) => log.warn({ file, bytes }, 'a write that a crash cut off was removed'),
  });
  shutdown.add('input log', () => inputs.close());
  const snapshots = createSnapshotFiles({
    folder: join(folder, 'snapshots'),
    onUnreadable: (file, because) => log.warn({ file, because }, 'a snapshot cannot be read'),
  });
  return { db, inputs, snapshots, installation: installationOf(folder) };
}

/** The history, its thread and its calendar. */
function startHistory(options: ServerOptions, log: Logger, shutdown: Shutdown): RunningHistory {
  const { history: keeping = DEFAULT_KEEPING, stateDir } = options;
  const { folder = stateDir, rawFor, rollupFor } = keeping;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'history.db');
  makeHistory(path, log);
  const store = openHistoryStore(path, true);
  const sealer = startSealerThread({ path, reservePath: join(folder, 'history.reserve') });
  const history = createHistory({ store, sealer, log, now: Date.now, rawFor, rollupFor });
  const task = schedule(KEEP_AT, () => history.keep(), { noOverlap: true });
  shutdown.add('history', async () => {
    await task.destroy();
    await history.stop();
    store.close();
  });
  return history;
}

/** Made or migrated before others read it. A file that is damaged as a whole is put aside. */
function makeHistory(path: string, log: Logger): void {
  try {
    openHistoryStore(path).close();
  } catch (err) {
    const code = (err as { errcode?: number }).errcode;
    if (code !== SQLITE_CORRUPT && code !== SQLITE_NOT_A_DATABASE) throw err;
    const aside = `${path}.damaged-${Date.now()}`;
    log.error({ err, aside }, 'the history is damaged and was put aside: a new one begins');
    renameSync(path, aside);
    for (const rest of ['-wal', '-shm']) rmSync(`${path}${rest}`, { force: true });
    openHistoryStore(path).close();
  }
}

/** A short random name, made once: incident ids begin with it. */
function installationOf(folder: string): string {
  const path = join(folder, 'installation');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const name = randomBytes(3).toString('hex');
  writeFileSync(path, `${name}\n`, { mode: 0o600, flush: true });
  return name;
}

const isLoopback = (address: string): boolean =>
  address === 'localhost' ||
  address === '::1' ||
  (isIP(address) === 4 && address.startsWith('127.'));

/** The keys for TLS. @throws ServerConfigError for a listener that must not be opened. */
function checkListeners({ agents, people }: ServerOptions) {
  if (!isLoopback(people.address)) {
    throw new ServerConfigError(
      `server.people.address is ${people.address}: without users the page is for this machine only (127.0.0.1); put a proxy that asks who it is in front`,
    );
  }
  if (agents.tls === undefined) {
    if (isLoopback(agents.address)) return undefined;
    throw new ServerConfigError(
      `server.agents.address is ${agents.address}, but server.agents.tls is missing: beyond loopback agents are heard by TLS only`,
    );
  }
  try {
    return {
      key: readFileSync(agents.tls.key, 'utf8'),
      cert: readFileSync(agents.tls.cert, 'utf8'),
    };
  } catch (cause) {
    throw new ServerConfigError(`server.agents.tls: ${(cause as Error).message}`, { cause });
  }
}

async function listen(
  app: FastifyInstance,
  { address, port }: ServerOptions['people'],
  isTls: boolean,
): Promise<string> {
  await app.listen({ host: address, port });
  const bound = app.server.address();
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port;
  const host = isIP(address) === 6 ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${actual}`;
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function warnAboutRestart(old: ServerOptions, next: ServerOptions, log: Logger): void {
  const names = ['agents', 'people', 'stateDir', 'heartbeat'] as const;
  const changed = names.filter((name) => !isSame(old[name], next[name]));
  if (changed.length > 0) log.warn({ changed }, 'these take effect at the next start only');
}

const post = (url: string, signal: AbortSignal) =>
  fetch(url, { method: 'POST', signal, redirect: 'manual' });
