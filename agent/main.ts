import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '../protocol/wire/agent-config.ts';
import type { Heartbeat } from '../protocol/wire/batch.ts';
import { WIRE_VERSION } from '../protocol/wire/limits.ts';
import { openFileSpool } from './adapters/file-spool/file-spool.ts';
import { makeFolder } from './adapters/file-spool/folder.ts';
import { createCollectorClient } from './adapters/http/collector-client.ts';
import { checkServerUrl } from './adapters/http/server-url.ts';
import { openDocumentFile } from './adapters/lowdb/document-file.ts';
import { lookUpName, systemClock } from './adapters/system/system.ts';
import { createNames } from './poll/names.ts';
import { createProbeNotes } from './poll/notes.ts';
import { createPoller } from './poll/poller.ts';
import { createReflectorKeeper, type OpenReflector } from './poll/reflector-keeper.ts';
import type { KnownInterface } from './poll/snmp/interface-identity.ts';
import type { InterfaceMemory } from './poll/snmp-task.ts';
import { createTargets } from './poll/targets.ts';
import type { AgentDocumentStore } from './ports/document.ts';
import type { EchoEngine } from './ports/echo.ts';
import type { Log } from './ports/log.ts';
import type { SnmpEngine } from './ports/snmp.ts';
import { startConfigPull } from './ship/config-pull.ts';
import { startHeartbeats } from './ship/heartbeat.ts';
import { createIntake } from './ship/intake.ts';
import { startSelfReports } from './ship/self-reports.ts';
import { createShipper } from './ship/shipper.ts';
import { createShutdown } from './shutdown.ts';

export interface AgentEngines {
  readonly icmp: EchoEngine;
  readonly stamp: EchoEngine;
  readonly openReflector: OpenReflector;
  readonly snmp: SnmpEngine;
}

export interface AgentOptions {
  /** https://…, or http:// to a loopback address. */
  readonly server: string;
  readonly token: string;
  /** Holds agent.json and the spool; made if it is missing. */
  readonly stateDir: string;
  /** Key material for the credentials in agent.json; default the token. */
  readonly agentKey?: string;
  /** Default: JSON lines on stdout. */
  readonly log?: Log;
  readonly logLevel?: string;
  /** Bounds of the spool; default 256 MiB and 7 days. */
  readonly spoolBytes?: number;
  readonly spoolAgeMs?: number;
  /** Other engines than the system's, for tests and benches. */
  readonly openEngines?: (log: Log) => Promise<AgentEngines>;
}

export interface RunningAgent {
  /** The agent's id by the server's word; undefined until it has spoken. */
  agent(): string | undefined;
  figures(): { targets: number; spoolSamples: number; dropped: number; skippedPolls: number };
  /** Drains what the collector still takes; done after 20 s at most. */
  stop(): Promise<void>;
}

/** Why an agent does not start. Commands turn the code into an exit code. */
export class AgentStartError extends Error {
  readonly code: 'BAD_SERVER_URL' | 'STATE_UNUSABLE' | 'SPOOL_LOCKED';
  constructor(code: AgentStartError['code'], text: string, cause?: unknown) {
    super(text, { cause });
    this.code = code;
  }
}

const STOP_WITHIN = 20_000;
const DRAIN_WITHIN = 8_000;

/** Starts an agent; rejects with `AgentStartError`. A server that is away is no reason not to start. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const checked = checkServerUrl(options.server);
  if (checked.kind === 'bad') throw new AgentStartError('BAD_SERVER_URL', checked.text);
  const log = options.log ?? (await createLog(options.logLevel));
  const clock = systemClock;
  const random = Math.random;
  const version = readVersion();
  const shutdown = createShutdown(log);
  try {
    const store = await openDocument(options, log);
    shutdown.add('agent.json', () => store.flush());
    const spool = openSpool(options, log);
    shutdown.add('spool', () => spool.close());
    const collector = await createCollectorClient({
      url: checked.url,
      token: options.token,
      version,
      now: clock.now,
    });
    const shipper = createShipper({ spool, collector, clock, log, random });
    shutdown.add('shipping', () => shipper.stop());
    await shipper.start(store.document.agent);
    const intake = createIntake({
      clock,
      silentFor: shipper.contact.silentFor,
      write: shipper.write,
    });
    shutdown.add('last batches', async () => {
      await intake.flush();
      await shipper.drain(DRAIN_WITHIN);
    });

    const engines = await (options.openEngines ?? openSystemEngines)(log);
    const reflector = createReflectorKeeper(engines.openReflector, log);
    shutdown.add('engines', async () => {
      await reflector.close();
      engines.snmp.close();
      await Promise.all([engines.icmp.close(), engines.stamp.close()]);
    });
    const notes = createProbeNotes();
    const poller = createPoller({ clock, log });
    shutdown.add('polls', () => poller.close());
    const targets = createTargets({
      ...engines,
      poller,
      clock,
      log,
      notes,
      names: createNames({ lookUp: lookUpName, clock }),
      memory: interfaceMemory(store),
      submit: intake.submit,
    });

    const apply = async (config: AgentConfig): Promise<void> => {
      await shipper.setAgent(config.agent);
      targets.apply(config);
      await reflector.apply(config.reflector);
    };
    if (store.document.config !== undefined) await apply(store.document.config);
    const pull = startConfigPull({
      clock,
      collector,
      log,
      random,
      etag: store.document.etag,
      async apply(config, etag) {
        await apply(config);
        Object.assign(store.document, { agent: config.agent, config, etag });
        store.touch();
      },
    });
    shutdown.add('configuration', () => pull.stop());

    let worstLagMs = 0;
    const makeHeartbeat = (): Heartbeat | undefined => {
      const agent = shipper.agent();
      if (agent === undefined) return undefined;
      const { samples, bytes, dropped } = spool.figures();
      const lagMs = Math.round(poller.takeLag());
      worstLagMs = Math.max(worstLagMs, lagMs);
      return {
        v: WIRE_VERSION,
        agent,
        spool: spool.id(),
        version,
        spoolSamples: samples,
        spoolBytes: bytes,
        dropped,
        lagMs,
        engines: describeEngines(engines, notes.summary, reflector.trouble()),
      };
    };
    const heartbeats = startHeartbeats({
      clock,
      collector,
      contact: shipper.contact,
      make: makeHeartbeat,
    });
    shutdown.add('heartbeats', () => heartbeats.stop());
    const selfReports = startSelfReports({
      clock,
      agent: shipper.agent,
      figures: spool.figures,
      takeLag() {
        const lagMs = Math.max(worstLagMs, poller.takeLag());
        worstLagMs = 0;
        return lagMs;
      },
      submit: intake.submit,
    });
    shutdown.add('own figures', () => selfReports.stop());
    log.info({ server: checked.url.origin, version, icmp: engines.icmp.name }, 'agent started');

    let stopping: Promise<void> | undefined;
    return {
      agent: () => shipper.agent(),
      figures: () => ({
        targets: targets.count(),
        spoolSamples: spool.figures().samples,
        dropped: spool.figures().dropped,
        skippedPolls: poller.skipped(),
      }),
      stop() {
        stopping ??= shutdown.run(STOP_WITHIN).then(() => log.info({}, 'agent stopped'));
        return stopping;
      },
    };
  } catch (cause) {
    await shutdown.run(STOP_WITHIN);
    throw cause;
  }
}

async function createLog(level = 'info'): Promise<Log> {
  const { pino } = await import('pino');
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  return logger;
}

const loadEngines = () =>
  Promise.all([
    import('./adapters/icmp/echo-engine.ts'),
    import('./adapters/snmp/snmp-engine.ts'),
    import('./adapters/stamp-dgram/coarse-stamp.ts'),
  ]);

/** Loads what an agent and its thread will run, and runs none of it: then it is in the compile cache. */
export async function loadAll(): Promise<void> {
  await Promise.all([loadEngines(), import('./adapters/icmp/socket-worker.ts'), import('pino')]);
}

/** The best that this system and its permissions allow; what is missing is named, not fatal. */
async function openSystemEngines(log: Log): Promise<AgentEngines> {
  const [{ openEchoEngine }, { createSnmpEngine }, { createCoarseStamp }] = await loadEngines();
  const echo = await openEchoEngine({
    openCoarseStamp: createCoarseStamp,
    onTrouble: (reason) => log.error({ reason }, 'the socket thread stopped'),
  });
  for (const [probe, { name, note }] of Object.entries({ icmp: echo.icmp, stamp: echo.stamp })) {
    if (note !== undefined) log.warn({ probe, engine: name, note }, 'not the best engine');
  }
  return { ...echo, snmp: createSnmpEngine() };
}

async function openDocument(options: AgentOptions, log: Log): Promise<AgentDocumentStore> {
  const { stateDir, agentKey, token } = options;
  try {
    makeFolder(stateDir);
    const path = join(stateDir, 'agent.json');
    return await openDocumentFile({ path, secret: agentKey ?? token, log });
  } catch (cause) {
    throw unusable(stateDir, cause);
  }
}

function openSpool(
  { stateDir, spoolBytes, spoolAgeMs }: AgentOptions,
  log: Log,
): ReturnType<typeof openFileSpool> {
  try {
    return openFileSpool({
      folder: join(stateDir, 'spool'),
      log,
      now: systemClock.now,
      ...(spoolBytes !== undefined && { maxBytes: spoolBytes }),
      ...(spoolAgeMs !== undefined && { maxAgeMs: spoolAgeMs }),
    });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'SPOOL_LOCKED') throw new AgentStartError('SPOOL_LOCKED', message, cause);
    throw unusable(stateDir, cause);
  }
}

const unusable = (stateDir: string, cause: unknown): AgentStartError =>
  new AgentStartError(
    'STATE_UNUSABLE',
    `the state folder ${stateDir} cannot be used: ${(cause as Error).message}`,
    cause,
  );

function interfaceMemory(store: AgentDocumentStore): InterfaceMemory {
  const { interfaces } = store.document;
  return {
    get(device) {
      const known = interfaces[device];
      return Array.isArray(known) ? (known as KnownInterface[]) : [];
    },
    set(device, known) {
      interfaces[device] = known;
      store.touch();
    },
  };
}

function describeEngines(
  { icmp, stamp, snmp }: AgentEngines,
  summary: (probe: string) => string | undefined,
  reflectorTrouble: string | undefined,
): Heartbeat['engines'] {
  const describe = (probe: string, engine: string, ...notes: Array<string | undefined>) => {
    const note = notes.filter((text) => text !== undefined).join('; ');
    return { probe, engine: engine.slice(0, 64), ...(note !== '' && { note: note.slice(0, 512) }) };
  };
  return [
    describe('icmp', icmp.name, icmp.note, summary('icmp')),
    describe('stamp', stamp.name, stamp.note, summary('stamp'), reflectorTrouble),
    describe('snmp', snmp.name, summary('snmp')),
  ];
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
