import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Priority } from '../protocol/model/incident.ts';
import type { Inventory } from '../protocol/model/inventory.ts';
import type { DurationMs } from '../protocol/model/units.ts';
import type { AgentConfig, Target } from '../protocol/wire/agent-config.ts';
import type { EngineSettings, Timing } from '../rules/settings.ts';
import type { Env } from './load.ts';
import type { RulePack } from './pack.ts';
import { createReflectors } from './reflectors.ts';
import { effectiveRules } from './rules.ts';
import type { Config } from './schema.ts';
import type { Secrets } from './secrets.ts';
import { businessOf, singleWindows } from './services.ts';
import { targetsByAgent } from './targets.ts';
import { parseDuration } from './words.ts';

/** What exists, as the engine knows it. Names default to ids. */
export function inventoryOf(config: Config): Inventory {
  return {
    sites: config.sites.map((site) => ({ ...site, name: site.name ?? site.id })),
    devices: config.devices.map(({ icmp: _, snmp: __, name, ...device }) => ({
      ...device,
      name: name ?? device.id,
    })),
    links: config.links.map(({ probes: _, name, ...link }) => ({ ...link, name: name ?? link.id })),
    agents: config.agents.map(({ id, site }) => ({ id, site })),
    ...businessOf(config),
  };
}

/**
 * Everything the engine decides by. Of announced work only what has fixed instants: the server adds
 * what is repeated, by `config/maintenance.ts`.
 * @param installation makes incident ids unique between installations
 * @throws when a changed rule is in no pack (loadConfig with the same pack would have said so)
 */
export function engineSettings(
  config: Config,
  installation: string,
  pack: RulePack,
): EngineSettings {
  const targets = targetsByAgent(config);
  const maintenance = singleWindows(config);
  return {
    installation,
    inventory: inventoryOf(config),
    rules: effectiveRules(pack, config.rules),
    timing: effectiveTiming(pack.timing, config.timing),
    ...(config.trustLearned && { trustLearned: true }),
    ...(maintenance.length > 0 && { maintenance }),
    watches: config.agents.map(({ id }) => ({
      agent: id,
      subjects: [...new Set((targets.get(id) ?? []).map((target) => target.subject))],
    })),
  };
}

function effectiveTiming(timing: Timing, change: Config['timing']): Timing {
  const { staleIntervals, collectorBlindShare, ...durations } = change;
  return {
    ...timing,
    ...(staleIntervals === undefined ? {} : { staleIntervals }),
    ...(collectorBlindShare === undefined ? {} : { collectorBlindShare }),
    ...Object.fromEntries(
      Object.entries(durations).map(([name, text]) => [name, parseDuration(text)]),
    ),
  };
}

/** What each agent is told: its targets, the credentials of those, and whom it may answer. */
export function agentConfigs(config: Config, secrets: Secrets): Map<string, AgentConfig> {
  const targets = targetsByAgent(config);
  const reflectors = createReflectors(config);
  return new Map(
    config.agents.map((agent) => {
      const own = targets.get(agent.id) ?? [];
      const { reflector } = agent;
      const body = {
        v: 1 as const,
        agent: agent.id,
        site: agent.site,
        targets: own,
        credentials: credentialsOf(config, secrets, own),
        ...(reflector === undefined
          ? {}
          : { reflector: { ...reflector, peers: [...reflectors.peersOf(agent)] } }),
        confirm: [],
      };
      return [agent.id, { ...body, revision: revisionOf(body) }];
    }),
  );
}

/** Hash of the content: the same configuration has the same revision on every server. */
const revisionOf = (body: object): string =>
  createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16);

function credentialsOf(
  config: Config,
  secrets: Secrets,
  targets: readonly Target[],
): AgentConfig['credentials'] {
  const names = targets.flatMap((target) => (target.probe === 'snmp' ? [target.credential] : []));
  return Object.fromEntries(
    [...new Set(names)].sort().flatMap((name) => {
      const credential = config.credentials[name];
      return credential === undefined ? [] : [[name, inClear(credential, secrets)]];
    }),
  );
}

function inClear(
  credential: Config['credentials'][string],
  secrets: Secrets,
): AgentConfig['credentials'][string] {
  if (credential.version === '2c') {
    return { version: '2c', community: secrets(credential.community) };
  }
  const { user, auth, privacy } = credential;
  return {
    version: '3',
    user,
    ...(auth === undefined ? {} : { auth: { ...auth, key: secrets(auth.key) } }),
    ...(privacy === undefined ? {} : { privacy: { ...privacy, key: secrets(privacy.key) } }),
  };
}

/** A ticket destination with its secrets in clear; both `Destination` and `WebhookEndpoint`. */
export interface DestinationOptions {
  readonly id: string;
  readonly url: string;
  readonly secrets: readonly string[];
  readonly openAfter: { readonly [P in Priority]?: DurationMs };
  readonly numberPointer?: string;
  readonly urlPointer?: string;
  readonly plainHttp: boolean;
}

/** Where tickets go; none in mode `observe`. */
export function destinations(config: Config, secrets: Secrets): DestinationOptions[] {
  if (config.tickets.mode === 'observe') return [];
  return config.tickets.destinations.map((destination) => ({
    ...destination,
    secrets: destination.secrets.map(secrets),
    openAfter: Object.fromEntries(
      Object.entries(destination.openAfter)
        .filter(([, wait]) => wait !== 'never')
        .map(([priority, wait]) => [Number(priority.slice(1)), parseDuration(wait)]),
    ),
  }));
}

/** A store that samples are handed to, its secrets in clear inside the headers. */
export interface RemoteWriteOptions {
  readonly id: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly every: DurationMs;
}

/** Where every sample is written to as well. */
export function remoteWrites(config: Config, secrets: Secrets): RemoteWriteOptions[] {
  return config.server.remoteWrite.map((target) => ({
    id: target.id,
    url: target.url,
    every: parseDuration(target.every),
    headers: {
      ...target.headers,
      ...Object.fromEntries(
        Object.entries(target.secretHeaders).map(([name, ref]) => [name, secrets(ref)]),
      ),
      ...(target.bearerToken && { authorization: `Bearer ${secrets(target.bearerToken)}` }),
    },
  }));
}

interface ListenerOptions {
  readonly address: string;
  readonly port: number;
}

export interface ServerOptions {
  readonly agents: ListenerOptions & {
    readonly tls?: { readonly cert: string; readonly key: string };
  };
  readonly people: ListenerOptions;
  readonly stateDir: string;
  /** Without a slash at the end. */
  readonly publicUrl?: string;
  readonly heartbeat?: { readonly url: string; readonly every: DurationMs };
  readonly history?: HistoryKeeping;
}

export interface HistoryKeeping {
  readonly rawFor: DurationMs;
  readonly rollupFor: DurationMs;
  /** Absent: with the rest of the state. */
  readonly folder?: string;
}

/** Listeners, folders and addresses of the server. State: config, systemd, XDG, in this order. */
export function serverOptions(config: Config, env: Env = process.env): ServerOptions {
  const { agents, people, state, publicUrl, heartbeat, history } = config.server;
  const xdg = env['XDG_STATE_HOME'] || path.join(env['HOME'] || homedir(), '.local/state');
  return {
    agents,
    people,
    stateDir: path.resolve(state ?? env['STATE_DIRECTORY'] ?? path.join(xdg, 'vedette')),
    ...(publicUrl === undefined ? {} : { publicUrl: publicUrl.replace(/\/+$/, '') }),
    ...(heartbeat === undefined
      ? {}
      : { heartbeat: { url: heartbeat.url, every: parseDuration(heartbeat.every) } }),
    ...(history === undefined
      ? {}
      : {
          history: {
            rawFor: parseDuration(history.raw),
            rollupFor: parseDuration(history.rollup),
            ...(history.state === undefined ? {} : { folder: path.resolve(history.state) }),
          },
        }),
  };
}
