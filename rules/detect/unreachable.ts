import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { seenAt } from './marks.ts';
import { contradiction, lostRounds, type ProbeReach } from './reach.ts';
import { defineJudge, type Finding, type Judge, type Watched } from './watched.ts';
import { figureText } from './wording.ts';

type Unreachable = Extract<Detector, { kind: 'unreachable' }>;
type EchoProbe = 'icmp' | 'stamp';

const PROBE_NAMES = { icmp: 'ICMP', stamp: 'STAMP', snmp: 'SNMP' } as const;
const PACKETS = { icmp: 'echoes', stamp: 'test packets' } as const;

/**
 * Down means that all probes agree (design 6.16): a wholly lost burst of ten, or without bursts
 * `missed` of `outOf` rounds, and no other probe of the subject with an answer since. What it judges
 * is kept with the subject (reach.ts), so that several rules share it.
 */
export function unreachableJudge(detector: Unreachable): Judge {
  const probes: readonly EchoProbe[] =
    detector.probe === 'any' ? ['stamp', 'icmp'] : [detector.probe];

  const isDown = (reach: ProbeReach | undefined): reach is ProbeReach =>
    reach !== undefined &&
    reach.downSince !== 0 &&
    (reach.bursts > 0 || lostRounds(reach, detector.outOf) >= detector.missed);

  function downProbe(watched: Watched, at: EpochMs): EchoProbe | undefined {
    const { reach } = watched;
    for (const probe of probes) {
      const own = probe === 'icmp' ? reach.icmp : reach.stamp;
      if (isDown(own) && contradiction(watched, probe, own.downSince, at) === undefined) {
        return probe;
      }
    }
    return undefined;
  }

  function finding(_base: number, watched: Watched, at: EpochMs): Finding {
    const probe = downProbe(watched, at) ?? probes[0] ?? 'icmp';
    const reach = watched.reach[probe];
    const onsetAt = epochMs(Math.min(reach?.lossSince || at, at));
    const snmp = watched.reach.snmp;
    const isSnmpSilent = snmp !== undefined && snmp.missedAt > snmp.answeredAt;
    const text = `${lossText(detector, probe, reach)}${isSnmpSilent ? ', SNMP silent too' : ''}`;
    return { metric: `${probe}_loss_ratio`, onsetAt, observed: 1, expected: 0, text };
  }

  return defineJudge<null>({
    metrics: probes.flatMap((probe) => [
      `${probe}_loss_ratio` as const,
      `${probe}_confirm_loss_ratio` as const,
    ]),
    first: [],
    observe: (_base, _input, { watched, at }) =>
      downProbe(watched, at) === undefined ? 'normal' : 'breached',
    finding,
    cleared(_base, watched) {
      for (const probe of probes) {
        const reach = watched.reach[probe];
        if (!isDown(reach)) continue;
        const other = contradiction(watched, probe, reach.downSince, seenAt(watched));
        if (other) return `it answers ${PROBE_NAMES[other.probe]} of agent ${other.agent}`;
      }
      return 'it answers again';
    },
    save: () => null,
    load() {},
  });
}

function lossText(detector: Unreachable, probe: EchoProbe, reach: ProbeReach | undefined): string {
  const packets = PACKETS[probe];
  const before =
    reach !== undefined && reach.lossBefore > 0
      ? ` after ${figureText('icmp_loss_ratio', reach.lossBefore)} of the round before`
      : '';
  if (reach !== undefined && reach.bursts > 0) return `10 of 10 ${packets} lost${before}`;
  return `${detector.missed} of ${detector.outOf} rounds of ${packets} without an answer${before}`;
}
