import type { MetricName } from '../../../protocol/model/metrics.ts';
import {
  type DeviceId,
  interfaceKey,
  type SubjectKey,
  subjectKey,
} from '../../../protocol/model/subject.ts';
import type { DurationMs, EpochMs } from '../../../protocol/model/units.ts';
import type { InterfaceEntry } from '../../../protocol/wire/batch.ts';
import type { Environment, InterfaceRow, SnmpSystem } from '../../ports/snmp.ts';

/** One poll of one device. What was not read, or not answered, is absent. */
export interface SnmpPoll {
  readonly at: EpochMs;
  /** Whether the device answered at all. */
  readonly answered: boolean;
  readonly system?: SnmpSystem;
  readonly interfaces?: {
    readonly rows: readonly InterfaceRow[];
    /** Id by ifIndex; a row without an id is left out. */
    readonly ids: ReadonlyMap<number, string>;
    /** The rows carry names: tell the collector about them. */
    readonly withNames: boolean;
  };
  readonly environment?: Environment;
  readonly every?: DurationMs;
  readonly slowEvery?: DurationMs;
}

export interface PollSample {
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  readonly at: EpochMs;
  /** Counters are bigint, exact; gauges are finite numbers. */
  readonly value: number | bigint;
  readonly bits?: 32 | 64;
  readonly every?: DurationMs;
}

export interface SnmpSamples {
  readonly samples: PollSample[];
  readonly interfaces: InterfaceEntry[];
}

const COUNTERS = {
  inOctets: 'if_in_octets_total',
  outOctets: 'if_out_octets_total',
  inErrors: 'if_in_errors_total',
  outErrors: 'if_out_errors_total',
  inDiscards: 'if_in_discards_total',
  outDiscards: 'if_out_discards_total',
} as const satisfies Record<keyof InterfaceRow['counters'], MetricName>;

type Put = (
  subject: SubjectKey,
  metric: MetricName,
  value: number | bigint | boolean | undefined,
  options?: { readonly bits?: 32 | 64; readonly slow?: boolean },
) => void;

/**
 * Maps one poll to samples of the catalogue, all with the same `at`, so that rates find uptime and
 * counters together. Counters stay raw: only the collector makes rates.
 */
export function snmpSamples(device: DeviceId, poll: SnmpPoll): SnmpSamples {
  const samples: PollSample[] = [];
  const put: Put = (subject, metric, value, { bits, slow = false } = {}) => {
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return;
    const every = slow ? poll.slowEvery : poll.every;
    samples.push({
      metric,
      subject,
      at: poll.at,
      value: typeof value === 'boolean' ? Number(value) : value,
      ...(bits === undefined ? {} : { bits }),
      ...(every === undefined ? {} : { every }),
    });
  };
  const self = subjectKey('device', device);
  put(self, 'snmp_answered', poll.answered);
  put(self, 'device_uptime_ticks', poll.system?.uptimeTicks);
  put(self, 'device_engine_boots', poll.system?.engineBoots);
  put(self, 'device_cpu_ratio', poll.environment?.cpuRatio, { slow: true });
  put(self, 'device_memory_ratio', poll.environment?.memoryRatio, { slow: true });
  put(self, 'device_temperature_celsius', poll.environment?.temperatureCelsius, { slow: true });

  const interfaces: InterfaceEntry[] = [];
  for (const row of poll.interfaces?.rows ?? []) {
    const id = poll.interfaces?.ids.get(row.ifIndex);
    if (id === undefined) continue;
    const subject = interfaceKey(device, id);
    putInterface(put, subject, row);
    if (poll.interfaces?.withNames === true) interfaces.push(entryOf(subject, id, row));
  }
  return { samples, interfaces };
}

function putInterface(put: Put, subject: SubjectKey, row: InterfaceRow): void {
  put(subject, 'if_admin_up', row.adminUp);
  put(subject, 'if_oper_up', row.operUp);
  put(subject, 'if_speed_bps', row.speedBps, { slow: true });
  put(subject, 'if_discontinuity_ticks', row.discontinuityTicks);
  for (const [name, metric] of Object.entries(COUNTERS)) {
    const counter = row.counters[name as keyof typeof COUNTERS];
    if (counter !== undefined) put(subject, metric, counter.value, { bits: counter.bits });
  }
}

/** The wire's bounds; the adapter keeps them too, but another adapter may not. */
const TEXT_MAX = 255;
const MAC_MAX = 64;

function entryOf(subject: SubjectKey, id: string, row: InterfaceRow): InterfaceEntry {
  const text = (value: string | undefined) => value?.slice(0, TEXT_MAX);
  const descr = text(row.descr);
  const alias = text(row.alias);
  return {
    subject,
    ifIndex: row.ifIndex,
    name: text(row.name ?? row.descr) ?? id,
    ...(descr === undefined ? {} : { descr }),
    ...(alias === undefined ? {} : { alias }),
    ...(row.mac === undefined ? {} : { mac: row.mac.slice(0, MAC_MAX) }),
  };
}

/** Ticks that uptime may seem to lose by rounding and by answers overtaking each other. */
const UPTIME_SLACK = 100;

/**
 * Whether the device started anew between two polls: ifIndex may have moved, so read names again.
 * A wrap of sysUpTime after 497 days reads as a restart too, which only costs one reading of names.
 */
export function hasRestarted(before: SnmpSystem | undefined, now: SnmpSystem): boolean {
  if (before === undefined) return false;
  if (before.engineBoots !== undefined && now.engineBoots !== undefined) {
    if (before.engineBoots !== now.engineBoots) return true;
  }
  if (before.uptimeTicks === undefined || now.uptimeTicks === undefined) return false;
  return now.uptimeTicks + UPTIME_SLACK < before.uptimeTicks;
}
