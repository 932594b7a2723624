import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { inputAt } from './inputs.ts';
import { type Marks, seenAt } from './marks.ts';
import {
  ANSWERED_AT,
  BURSTS,
  contradiction,
  DOWN_SINCE,
  LOSS_BEFORE,
  LOSS_SINCE,
  lostRounds,
  MISSED_AT,
  reachPointer,
} from './reach.ts';
import { defineJudge, type Finding, type Judge, type Watched } from './watched.ts';
import { figureText } from './wording.ts';

type Unreachable = Extract<Detector, { kind: 'unreachable' }>;
type EchoProbe = 'icmp' | 'stamp';

const PROBE_NAMES = { icmp: 'ICMP', stamp: 'STAMP', snmp: 'SNMP' } as const;
const POINTERS = { icmp: reachPointer('icmp'), stamp: reachPointer('stamp') } as const;
const SNMP = reachPointer('snmp');
const PACKETS = { icmp: 'echoes', stamp: 'test packets' } as const;

/**
 * Down means that all probes agree (design 6.16): a wholly lost burst of ten, or without bursts
 * `missed` of `outOf` rounds, and no other probe of the subject with an answer since. What it judges
 * is kept with the subject (reach.ts), so that several rules share it.
 */
export function unreachableJudge(detector: Unreachable): Judge {
  const probes: readonly EchoProbe[] =
    detector.probe === 'any' ? ['stamp', 'icmp'] : [detector.probe];

  /** @param reach place of what the probe knows, 0 = nothing */
  const isDown = (marks: Marks, reach: number): boolean =>
    reach !== 0 &&
    marks[reach + DOWN_SINCE] !== 0 &&
    (marks[reach + BURSTS] !== 0 || lostRounds(marks, reach, detector.outOf) >= detector.missed);

  /** Who contradicts a probe that is down. */
  function contradicted(watched: Watched, probe: EchoProbe, reach: number, at: EpochMs) {
    const since = watched.marks[reach + DOWN_SINCE] as EpochMs;
    return contradiction(watched, probe, since, at);
  }

  function downProbe(watched: Watched, at: EpochMs): EchoProbe | undefined {
    const { marks } = watched;
    for (const probe of probes) {
      const reach = inputAt(marks, probe === 'icmp' ? POINTERS.icmp : POINTERS.stamp);
      if (!isDown(marks, reach)) continue;
      if (contradicted(watched, probe, reach, at) === undefined) return probe;
    }
    return undefined;
  }

  function finding(_base: number, watched: Watched, at: EpochMs): Finding {
    const { marks } = watched;
    const probe = downProbe(watched, at) ?? probes[0] ?? 'icmp';
    const reach = inputAt(marks, POINTERS[probe]);
    const lossSince = reach === 0 ? 0 : (marks[reach + LOSS_SINCE] as number);
    const onsetAt = epochMs(Math.min(lossSince || at, at));
    const snmp = inputAt(marks, SNMP);
    const isSnmpSilent =
      snmp !== 0 && (marks[snmp + MISSED_AT] as number) > (marks[snmp + ANSWERED_AT] as number);
    const text = `${lossText(detector, probe, marks, reach)}${isSnmpSilent ? ', SNMP silent too' : ''}`;
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
        const reach = inputAt(watched.marks, POINTERS[probe]);
        if (!isDown(watched.marks, reach)) continue;
        const other = contradicted(watched, probe, reach, seenAt(watched));
        if (other) return `it answers ${PROBE_NAMES[other.probe]} of agent ${other.agent}`;
      }
      return 'it answers again';
    },
    save: () => null,
    load() {},
  });
}

function lossText(detector: Unreachable, probe: EchoProbe, marks: Marks, reach: number): string {
  const packets = PACKETS[probe];
  const loss = reach === 0 ? 0 : (marks[reach + LOSS_BEFORE] as number);
  const before =
    loss > 0 ? ` after ${figureText('icmp_loss_ratio', loss)} of the round before` : '';
  if (reach !== 0 && marks[reach + BURSTS] !== 0) return `10 of 10 ${packets} lost${before}`;
  return `${detector.missed} of ${detector.outOf} rounds of ${packets} without an answer${before}`;
}
