import type {
  AgentConfig,
  ConfirmRequest,
  SnmpTarget,
  Target,
} from '../../protocol/wire/agent-config.ts';
import type { EchoEngine } from '../ports/echo.ts';
import type { Log } from '../ports/log.ts';
import type { SnmpEngine } from '../ports/snmp.ts';
import { createEchoTask, type EchoTask, type EchoTaskDeps } from './echo-task.ts';
import type { Poller, PollTask } from './poller.ts';
import { createSnmpTask, type InterfaceMemory } from './snmp-task.ts';

export interface TargetsDeps extends Omit<EchoTaskDeps, 'engine'> {
  readonly poller: Poller;
  readonly icmp: EchoEngine;
  readonly stamp: EchoEngine;
  readonly snmp: SnmpEngine;
  readonly memory: InterfaceMemory;
  readonly log: Log;
}

/** The targets of the current configuration. What a new one does not change keeps its state. */
export interface Targets {
  apply(config: AgentConfig): void;
  count(): number;
}

/** Ids of confirm requests that are done; the server repeats a request until it is out of date. */
const DONE_MAX = 4096;

export function createTargets(deps: TargetsDeps): Targets {
  const { poller, clock, log } = deps;
  const prints = new Map<string, string>();
  const echoes = new Map<string, EchoTask>();
  const done = new Set<string>();

  function taskOf(target: Target, config: AgentConfig): PollTask | undefined {
    if (target.probe !== 'snmp') {
      const engine = target.probe === 'icmp' ? deps.icmp : deps.stamp;
      const task = createEchoTask(target, { ...deps, engine });
      echoes.set(target.id, task);
      return task;
    }
    const credential = credentialOf(target, config);
    if (credential !== undefined) {
      return createSnmpTask(target, credential, {
        ...deps,
        engine: deps.snmp,
        pollAgain: poller.runAgainAt,
      });
    }
    deps.notes.set('snmp', target.id, `no credential named ${target.credential}`);
    return undefined;
  }

  function drop(id: string): void {
    poller.remove(id);
    prints.delete(id);
    echoes.delete(id);
    for (const probe of ['icmp', 'stamp', 'snmp']) deps.notes.clear(probe, id);
  }

  function confirm(request: ConfirmRequest): void {
    if (done.has(request.id) || request.until <= clock.now()) return;
    done.add(request.id);
    if (done.size > DONE_MAX) done.delete(done.values().next().value as string);
    const echo = echoes.get(request.target);
    if (echo === undefined) poller.runNow(request.target);
    else echo.confirm().catch((err: unknown) => log.error({ err }, 'a confirmation failed'));
  }

  return {
    apply(config) {
      const wanted = new Map(config.targets.map((target) => [target.id, target]));
      const gone = [...prints.keys()].filter((id) => !wanted.has(id));
      for (const id of gone) drop(id);
      let changed = 0;
      for (const target of wanted.values()) {
        const print = printOf(target, config);
        if (prints.get(target.id) === print) continue;
        drop(target.id);
        prints.set(target.id, print);
        const task = taskOf(target, config);
        if (task !== undefined) poller.set(task);
        changed += 1;
      }
      if (changed + gone.length > 0) {
        log.info({ targets: wanted.size, changed, removed: gone.length }, 'targets set');
      }
      for (const request of config.confirm) confirm(request);
    },
    count: () => prints.size,
  };
}

/** Everything that makes a target another one. */
const printOf = (target: Target, config: AgentConfig): string =>
  target.probe === 'snmp'
    ? JSON.stringify([target, credentialOf(target, config)])
    : JSON.stringify(target);

/** An id such as `constructor` must not find what every object has. */
const credentialOf = (target: SnmpTarget, { credentials }: AgentConfig) =>
  Object.hasOwn(credentials, target.credential) ? credentials[target.credential] : undefined;
