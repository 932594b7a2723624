import type { Inventory } from '../../protocol/model/inventory.ts';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { interfaceKey, type SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { World } from './scenario-world.ts';

/** Times of the simulation, ms. One step is the spacing of a burst. */
export const STEP = 100;
const ROUND = 5_000;
const PACKETS = 5;
const BURST = 10;
const SUSPECT_AFTER = 300;
const SNMP_EVERY = 30_000;
const SPEED = 100_000_000;

/** What a simulated agent hands in at a step. */
export type Emit = (sample: Sample, isUrgent: boolean) => void;

export interface Task {
  step(now: number): void;
  confirm?(now: number): void;
}

interface EchoDeps {
  readonly world: World;
  readonly random: () => number;
  readonly emit: Emit;
  readonly agent: string;
  readonly subject: SubjectKey;
  /** When in its round the target is polled, ms. */
  readonly phase: number;
}

/**
 * Rounds of five echoes, one a second; the first miss starts ten, 100 ms apart; while all are lost
 * one a second looks for the return, and every slot has one more burst (as agent/poll/echo-task.ts).
 */
export function createEchoTask(deps: EchoDeps): Task {
  const { world, random, emit, agent, subject, phase } = deps;
  let round: boolean[] = [];
  let roundAt = 0;
  let isDoubted = false;
  let burstFrom: number | undefined;
  let burst: boolean[] = [];
  let burstThisSlot = false;

  const echo = (): boolean => {
    const way = world.way(agent, subject);
    return way.isUp && random() >= way.loss;
  };
  const put = (metric: MetricName, at: number, value: number, isUrgent: boolean): void => {
    const every = metric === 'icmp_confirm_loss_ratio' ? {} : { every: durationMs(ROUND) };
    emit({ series: { metric, subject, agent, ...every }, at: epochMs(at), value }, isUrgent);
  };

  function report(isUrgent: boolean): void {
    if (round.length === 0) return;
    const answered = round.filter(Boolean).length;
    const last = round.lastIndexOf(true);
    const at = roundAt + (last === -1 ? round.length - 1 : last) * 1000;
    put('icmp_loss_ratio', at, 1 - answered / round.length, isUrgent);
    if (answered > 0) put('icmp_rtt_ms', at, world.way(agent, subject).rttMs, isUrgent);
    round = [];
  }

  function packet(now: number): void {
    if (round.length === 0) roundAt = now;
    const isAnswered = echo();
    round.push(isAnswered);
    if (!isAnswered && !burstThisSlot) startBurst(now + SUSPECT_AFTER);
    if (isAnswered && isDoubted) {
      isDoubted = false;
      report(true);
    }
  }

  function startBurst(at: number): void {
    if (burstFrom !== undefined) return;
    burstThisSlot = true;
    burstFrom = at;
    burst = [];
  }

  function stepBurst(now: number): void {
    if (burstFrom === undefined || now < burstFrom) return;
    if (burst.length < BURST) burst.push(echo());
    else if (now >= burstFrom + BURST * STEP + SUSPECT_AFTER) {
      const loss = burst.filter((isAnswered) => !isAnswered).length / BURST;
      const last = burst.lastIndexOf(true);
      const at = burstFrom + (last === -1 ? BURST - 1 : last) * STEP;
      put('icmp_confirm_loss_ratio', at, loss, true);
      burstFrom = undefined;
      isDoubted = loss === 1;
    }
  }

  return {
    step(now) {
      if (world.stopped.has(agent)) {
        round = [];
        burstFrom = undefined;
        isDoubted = false;
        return;
      }
      const inRound = (((now - phase) % ROUND) + ROUND) % ROUND;
      if (inRound === 0) burstThisSlot = false;
      if (inRound % (ROUND / PACKETS) === 0) packet(now);
      stepBurst(now);
      if (inRound === ROUND - STEP) report(false);
    },
    confirm(now) {
      startBurst(now);
    },
  };
}

interface SnmpDeps {
  readonly world: World;
  readonly emit: Emit;
  readonly agent: string;
  readonly device: string;
  readonly ports: readonly string[];
  readonly phase: number;
}

/** Uptime, states and counters of one device, every 30 s. */
export function createSnmpTask({ world, emit, agent, device, ports, phase }: SnmpDeps): Task {
  const subject: SubjectKey = `device:${device}`;

  function put(now: number, of: SubjectKey, metric: MetricName, value: number | bigint): void {
    const bits = typeof value === 'bigint' ? { bits: 64 as const } : {};
    const series = { metric, subject: of, agent, every: durationMs(SNMP_EVERY), ...bits };
    emit({ series, at: epochMs(now), value }, false);
  }

  function pollPort(now: number, port: string): void {
    const state = world.device(device);
    const key = interfaceKey(device, port);
    const link = world.isUplinkOf(device, port);
    const since = Math.max(state.bootedAt, state.cleared);
    const seconds = (now - since) / 1000;
    const share = link && world.link(link.id).isSaturated ? 0.98 : 0.3;
    put(now, key, 'if_admin_up', 1);
    put(now, key, 'if_oper_up', state.downPorts.has(port) ? 0 : 1);
    put(now, key, 'if_speed_bps', SPEED);
    put(now, key, 'if_discontinuity_ticks', Math.max(0, (state.cleared - state.bootedAt) / 10));
    octets.set(key, (octets.get(key) ?? 0n) + BigInt(Math.round((share * SPEED * 30) / 8)));
    if (lastCleared.get(key) !== since) octets.set(key, BigInt(Math.round(seconds)));
    lastCleared.set(key, since);
    put(now, key, 'if_out_octets_total', octets.get(key) ?? 0n);
    put(now, key, 'if_in_octets_total', (octets.get(key) ?? 0n) / 4n);
    errors.set(key, (errors.get(key) ?? 0n) + BigInt(30 * (state.errorsPerSecond.get(port) ?? 0)));
    put(now, key, 'if_in_errors_total', errors.get(key) ?? 0n);
  }
  const octets = new Map<string, bigint>();
  const errors = new Map<string, bigint>();
  const lastCleared = new Map<string, number>();

  return {
    step(now) {
      if (world.stopped.has(agent) || (now - phase) % SNMP_EVERY !== 0) return;
      const state = world.device(device);
      const isAnswering = state.hasSnmp && world.way(agent, subject).isUp;
      put(now, subject, 'snmp_answered', isAnswering ? 1 : 0);
      if (!isAnswering) return;
      put(now, subject, 'device_uptime_ticks', Math.floor((now - state.bootedAt) / 10));
      for (const port of ports) pollPort(now, port);
    },
  };
}

/** The ports of a device at which links of the inventory end. */
export const portsOf = (inventory: Inventory, device: string): string[] =>
  inventory.links.flatMap((link) =>
    link.ends.flatMap((end) =>
      end.device === device && end.interface !== undefined ? [end.interface] : [],
    ),
  );
