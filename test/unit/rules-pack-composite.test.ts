import { describe, expect, test } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { createEngine } from '../../rules/engine.ts';
import { AGENT, at, batch, DEVICE, desk, PORT, sample, settings } from '../support/detection.ts';

/** Figures of one device, and of one port with a line of 100 Mbit/s, at this second. */
interface Weather {
  readonly cpu?: number;
  readonly loss?: number;
  readonly jitter?: number;
  /** Share of the line sent, and packets discarded per second. */
  readonly load?: number;
  readonly discards?: number;
}

/** The samples of `seconds`, echoes every 5 s and polls every 30 s, with counters that run on. */
function* roundsOf(seconds: number, weatherAt: (second: number) => Weather) {
  let octets = 0;
  let discarded = 0;
  for (let second = 0; second < seconds; second += 5) {
    const { cpu = 0.2, loss = 0, jitter = 1, load = 0.1, discards = 0 } = weatherAt(second);
    const put =
      (subject: SubjectKey, every: number) => (metric: MetricName, value: number | bigint) =>
        sample(second, metric, value, {
          subject,
          every,
          ...(typeof value === 'bigint' && { bits: 64 }),
        });
    const echo = put(DEVICE, 5);
    const samples: Sample[] = [
      echo('icmp_loss_ratio', loss),
      echo('icmp_rtt_ms', 10),
      echo('icmp_jitter_ms', jitter),
    ];
    octets += load * 12_500_000 * 5;
    discarded += discards * 5;
    if (second % 30 === 0) {
      const port = put(PORT, 30);
      samples.push(
        put(DEVICE, 30)('snmp_answered', 1),
        put(DEVICE, 30)('device_cpu_ratio', cpu),
        port('if_speed_bps', 100_000_000),
        port('if_out_octets_total', BigInt(Math.round(octets))),
        port('if_out_discards_total', BigInt(Math.round(discarded))),
      );
    }
    yield { second, samples };
  }
}

function alertsOf(seconds: number, weatherAt: (second: number) => Weather): string[] {
  const story = desk(settings());
  for (const { second, samples } of roundsOf(seconds, weatherAt)) story.see(second, ...samples);
  return story.alerts().map((line) => line.replace(/@[\d.]+/, ''));
}

/** Titles of all incidents that were opened. */
function incidentsOf(seconds: number, weatherAt: (second: number) => Weather): string[] {
  const engine = createEngine(settings());
  const opened: string[] = [];
  let position = 0;
  for (const { second, samples } of roundsOf(seconds, weatherAt)) {
    const instant = () => ({ now: at(second), position: position++ });
    const facts = [
      ...engine.heard(AGENT, instant()),
      ...engine.observe(batch(samples), instant()),
      ...engine.tick(instant()),
    ];
    for (const fact of facts) if (fact.kind === 'incident.opened') opened.push(fact.view.subject);
  }
  return opened;
}

const HOUR = 3600;
const from = (begin: number, end: number, weather: Weather) => (second: number) =>
  second >= begin && second < end ? weather : {};

describe('an overloaded device', () => {
  test('is told when its processor is busy and its echoes come late, before the limit of either', () => {
    const told = alertsOf(2 * HOUR, from(HOUR, 1.3 * HOUR, { cpu: 0.88, jitter: 40 }));
    expect(told).toEqual(['fired device-overloaded', 'resolved device-overloaded']);
  });

  test('is not told by a busy processor or by late echoes alone', () => {
    expect(alertsOf(2 * HOUR, from(HOUR, 1.3 * HOUR, { cpu: 0.88 }))).toEqual([]);
    expect(alertsOf(2 * HOUR, from(HOUR, 1.3 * HOUR, { jitter: 40 }))).toEqual([]);
  });

  test('is one incident, also when busy, lossy and overloaded fire together', () => {
    const bad = from(HOUR, 1.5 * HOUR, { cpu: 0.97, jitter: 40, loss: 0.2 });
    const told = alertsOf(2 * HOUR, bad)
      .filter((line) => line.startsWith('fired'))
      .sort();
    expect(told).toEqual(['fired device-cpu', 'fired device-loss', 'fired device-overloaded']);
    expect(incidentsOf(2 * HOUR, bad)).toEqual([DEVICE]);
  });
});

describe('a port whose queue overflows', () => {
  test('is told below the limit of load when packets are discarded', () => {
    const told = alertsOf(2 * HOUR, from(HOUR, 1.2 * HOUR, { load: 0.78, discards: 25 }));
    expect(told).toContain('fired interface-overflow');
    expect(told).not.toContain('fired interface-utilisation');
    expect(told).toContain('resolved interface-overflow');
  });

  test('is not told by load alone, nor by discards without load', () => {
    expect(alertsOf(2 * HOUR, from(HOUR, 1.2 * HOUR, { load: 0.78 }))).toEqual([]);
    const told = alertsOf(2 * HOUR, from(HOUR, 1.2 * HOUR, { discards: 25 }));
    expect(told).not.toContain('fired interface-overflow');
  });

  test('is one incident, also when load and discards fire by themselves', () => {
    const bad = from(HOUR, 1.5 * HOUR, { load: 0.96, discards: 400 });
    const told = alertsOf(2 * HOUR, bad)
      .filter((line) => line.startsWith('fired'))
      .sort();
    expect(told).toEqual([
      'fired interface-discards',
      'fired interface-overflow',
      'fired interface-utilisation',
    ]);
    expect(incidentsOf(2 * HOUR, bad)).toEqual([PORT]);
  });
});
