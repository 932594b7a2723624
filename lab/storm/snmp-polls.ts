import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample, Series } from '../../protocol/model/sample.ts';
import { interfaceKey, type SubjectKey, subjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { EchoDeps } from './echo-rounds.ts';
import type { PollTarget, Port } from './targets.ts';

export const POLL_EVENTS = { poll: 3, miss: 4, again: 8 } as const;

const STEP_MS = 100;
/** Three tries of two seconds each. */
const GIVES_UP = 60;
const TRIES = 3;
/** After a poll without answer a device is asked again so soon, steps, with some spread, and so often. */
const AGAIN = [90, 110] as const;
const AGAIN_AT_MOST = 3;
const SPEED = 100_000_000;
const FULL = 0.98;

/** Counters of a port, as they grow with the load. */
interface Meter {
  readonly load: number;
  octets: number;
  readAt: number;
  bootedAt: number;
}

export interface SnmpPolls {
  poll(index: number, now: number): void;
  miss(index: number, now: number): void;
  again(index: number, now: number): void;
}

/** Uptime of every device; state, speed and counters of the ports of routers. */
export function createSnmpPolls(deps: EchoDeps): SnmpPolls {
  const { plan, world, wheel, random, startAt, emit } = deps;
  const { network } = plan;
  const { polls } = plan.targets;
  const meters = new Map<number, Meter>();
  const seriesOf = new Map<string, Series>();
  /** Polls without answer since the last one with an answer. */
  const unanswered = new Map<number, number>();
  for (const [index, { every }] of polls.entries()) {
    wheel.put(1 + Math.floor((random.next() * every) / STEP_MS), POLL_EVENTS.poll, index);
  }

  const pollAt = (index: number): PollTarget => polls[index] as PollTarget;

  function series(poll: PollTarget, subject: SubjectKey, metric: MetricName): Series {
    const key = `${poll.agent}|${subject}|${metric}`;
    const known = seriesOf.get(key);
    if (known !== undefined) return known;
    const agent = network.agents[poll.agent]?.id ?? '';
    const bits = metric.endsWith('_octets_total') ? { bits: 64 as const } : {};
    const made = { metric, subject, agent, every: durationMs(poll.every), ...bits };
    seriesOf.set(key, made);
    return made;
  }

  type Put = (subject: SubjectKey, metric: MetricName, value: number | bigint) => void;

  const putter =
    (poll: PollTarget, now: number): Put =>
    (subject, metric, value) => {
      const at = epochMs(startAt + now);
      const sample: Sample = { series: series(poll, subject, metric), at, value };
      emit(poll.agent, sample, false);
    };

  const deviceOf = (poll: PollTarget): SubjectKey =>
    subjectKey('device', network.nodes[poll.node]?.id ?? '');

  function meterOf({ edge, end }: Port, now: number, bootedAt: number): Meter {
    const key = edge * 2 + end;
    const known = meters.get(key) ?? {
      load: random.between(0.05, 0.5),
      octets: Math.floor(random.next() * 1e12),
      readAt: now,
      bootedAt,
    };
    meters.set(key, known);
    if (known.bootedAt !== bootedAt) {
      known.bootedAt = bootedAt;
      known.octets = 0;
      known.readAt = Math.max(0, bootedAt);
    }
    const isDead = world.state.edgeDown[edge] !== 0;
    const share = isDead ? 0 : world.state.edgeFull[edge] !== 0 ? FULL : known.load;
    known.octets += ((now - known.readAt) / 1000) * ((share * SPEED) / 8);
    known.readAt = now;
    return known;
  }

  function readPort(poll: PollTarget, port: Port, now: number, put: Put): void {
    const subject = interfaceKey(network.nodes[poll.node]?.id ?? '', port.name);
    const { octets } = meterOf(port, now, world.bootedAt(poll.node));
    put(subject, 'if_admin_up', 1);
    put(subject, 'if_oper_up', world.state.portDown[port.edge * 2 + port.end] === 0 ? 1 : 0);
    put(subject, 'if_speed_bps', SPEED);
    put(subject, 'if_discontinuity_ticks', 0);
    put(subject, 'if_in_octets_total', BigInt(Math.round(octets / 3)));
    put(subject, 'if_out_octets_total', BigInt(Math.round(octets)));
  }

  function ask(index: number, now: number): void {
    const poll = pollAt(index);
    if (!world.isRunning(poll.agent)) return;
    const subject = deviceOf(poll);
    const way = world.wayTo({ agent: poll.agent, subject, node: poll.node });
    const isHeard = way.isUp && (way.loss === 0 || random.next() >= way.loss ** TRIES);
    if (!isHeard || world.state.snmpOff[poll.node] !== 0) {
      wheel.put(GIVES_UP, POLL_EVENTS.miss, index);
      return;
    }
    const put = putter(poll, now);
    put(subject, 'snmp_answered', 1);
    put(subject, 'device_uptime_ticks', Math.floor((now - world.bootedAt(poll.node)) / 10));
    for (const port of poll.ports) readPort(poll, port, now, put);
    unanswered.delete(index);
  }

  return {
    poll(index, now) {
      wheel.put(pollAt(index).every / STEP_MS, POLL_EVENTS.poll, index);
      ask(index, now);
    },
    again: ask,
    miss(index, now) {
      const poll = pollAt(index);
      if (!world.isRunning(poll.agent)) return;
      putter(poll, now)(deviceOf(poll), 'snmp_answered', 0);
      const missed = (unanswered.get(index) ?? 0) + 1;
      unanswered.set(index, missed);
      if (missed > AGAIN_AT_MOST) return;
      wheel.put(Math.round(random.between(...AGAIN)) - GIVES_UP, POLL_EVENTS.again, index);
    },
  };
}
