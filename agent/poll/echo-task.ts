import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { EchoEngine, EchoRequest, EchoRound } from '../ports/echo.ts';
import { datedBy, echoFigures, type Jitter, NO_JITTER } from './echo-figures.ts';
import { BURST, echoLimits, nextUsualRtt, WATCH_SPACING } from './echo-policy.ts';
import { burstSample, type EchoTargetSettings, roundSamples } from './echo-samples.ts';
import type { Names } from './names.ts';
import type { ProbeNotes } from './notes.ts';
import type { PollTask, Slot } from './poller.ts';
import type { SubmitReport } from './report.ts';
import { createWake } from './wake.ts';

/** A step back of the wall clock that is followed instead of smoothed over, ms. */
const CLOCK_SET_BACK = 10_000;

/** A suspicion that begins at the end of a slot watches through the next one, and both have tails. */
const MAX_RUNS = 4;

export interface EchoTaskDeps {
  readonly engine: EchoEngine;
  readonly clock: Clock;
  readonly names: Names;
  readonly notes: ProbeNotes;
  readonly submit: SubmitReport;
}

export interface EchoTask extends PollTask {
  /** The ten-packet burst, now; its loss is reported at once (hold-down, design 6.3). */
  confirm(): Promise<void>;
}

/**
 * Rounds of one ICMP or STAMP target.
 *
 *   healthy ──first miss of a round──▶ burst of ten ──all lost──▶ doubted
 *      ▲  ▲────────any of ten answers──────┘                        │
 *      └──────────any packet of the watch answers───────────────────┘
 *
 * Healthy: the packets of a round are spread over its slot, in one order to the engine. Doubted: the
 * slot is a watch, packets ordered one by one, so that the first answer is known when it arrives; it
 * closes the round early. Every slot of doubt has one more burst, so that "down" stays confirmed.
 */
export function createEchoTask(target: EchoTargetSettings, deps: EchoTaskDeps): EchoTask {
  const { engine, clock, names, notes, submit } = deps;
  const wake = createWake(clock);
  const spacing = target.every / target.count;
  const watchSpacing = Math.min(spacing, WATCH_SPACING);
  // A packet that waits longer than a slot would leave three rounds open at once.
  const timeout = Math.min(target.timeout, target.every);
  let jitter: Jitter = NO_JITTER;
  let usualRttMs: number | undefined;
  let roundAt = 0;
  let burstAt = 0;
  let slotEndsAt = 0;
  let isDoubted = false;
  let isBursting = false;
  let isClosed = false;

  const limits = () => echoLimits(timeout, usualRttMs, jitter.jitterMs);

  function request(address: string, count: number, more: Partial<EchoRequest> = {}): EchoRequest {
    return {
      kind: target.probe,
      address,
      count,
      spacing: durationMs(spacing),
      timeout: durationMs(timeout),
      ...(target.probe === 'stamp' && {
        port: target.port,
        ...(target.source !== undefined && { source: target.source }),
        ...(target.dscp !== undefined && { dscp: target.dscp }),
      }),
      ...more,
    };
  }

  /** Keeps a series in order where a watch and a round overlap; follows a clock that was set back. */
  function nextAt(last: number, round: EchoRound, step: number): number {
    const at = datedBy(round, step);
    return at < last - CLOCK_SET_BACK ? at : Math.max(at, last + 1);
  }

  function doubt(hasAnswered: boolean): void {
    isDoubted = !hasAnswered;
    if (hasAnswered) wake.ring();
  }

  /** False when nothing can be said: what did not leave this machine is not lost. */
  function isTelling(round: EchoRound): boolean {
    if (round.unsent === undefined) notes.clear(target.probe, target.id);
    else notes.set(target.probe, target.id, `${round.unsent.because}: ${round.unsent.text}`);
    if (isClosed || round.sent === 0) return false;
    return round.unsent === undefined || round.rttMs.some((rtt) => !Number.isNaN(rtt));
  }

  function report(round: EchoRound, step: number, isUrgent: boolean): void {
    const result = echoFigures(round, jitter);
    jitter = result.jitter;
    const { rtt } = result.figures;
    if (rtt !== undefined) usualRttMs = nextUsualRtt(usualRttMs, rtt.medianMs);
    roundAt = nextAt(roundAt, round, step);
    submit({ samples: roundSamples(target, epochMs(roundAt), result.figures), isUrgent });
  }

  /** Ten packets; decides between healthy and doubted, unless nothing can be said. */
  async function burst(address: string): Promise<void> {
    if (isBursting) return;
    isBursting = true;
    try {
      const round = await engine.measure(
        request(address, BURST.count, {
          spacing: durationMs(BURST.spacing),
          timeout: durationMs(limits().confirmTimeout),
        }),
      );
      if (!isTelling(round)) return;
      const answered = round.rttMs.filter((rtt) => !Number.isNaN(rtt)).length;
      burstAt = nextAt(burstAt, round, BURST.spacing);
      const lossRatio = (round.sent - answered) / round.sent;
      const sample = burstSample(target, epochMs(burstAt), lossRatio);
      doubt(answered > 0);
      submit({ samples: [sample], isUrgent: true });
    } finally {
      isBursting = false;
    }
  }

  /** The first miss of a healthy target. `reported` is when the round of the miss has been shipped. */
  async function suspect(address: string, reported: Promise<void>): Promise<void> {
    await burst(address);
    if (isDoubted) await watch(address, false, reported);
  }

  /** Resolves when the round and, if there was one, its suspicion are over. */
  async function measure(address: string, count: number): Promise<void> {
    let suspicion: Promise<void> | undefined;
    const onSuspect = (): void => {
      suspicion ??= suspect(address, reported);
    };
    const suspectAfter = durationMs(limits().suspectAfter);
    const reported = engine
      .measure(request(address, count, { suspectAfter, onSuspect }))
      .then((round) => {
        if (!isTelling(round)) return;
        report(round, spacing, false);
        // An engine may count a packet as lost at the very moment that it became suspect.
        if (!isDoubted && round.rttMs.some(Number.isNaN)) onSuspect();
      });
    await reported;
    await suspicion;
  }

  /** Packets one by one until one is answered or the slot ends. */
  async function watch(
    address: string,
    withBurst: boolean,
    reported?: Promise<void>,
  ): Promise<void> {
    const endsAt = slotEndsAt;
    const found = createWatchRound();
    const open: Promise<void>[] = [];
    const onSuspect = (): void => {
      if (withBurst) open.push(burst(address));
      withBurst = false;
    };
    while (isDoubted && !isClosed && clock.elapsed() + watchSpacing / 2 < endsAt) {
      const suspectAfter = durationMs(limits().suspectAfter);
      open.push(
        engine.measure(request(address, 1, { suspectAfter, onSuspect })).then((single) => {
          if (!isTelling(single) || !isDoubted) return;
          found.add(single);
          if (Number.isNaN(single.rttMs[0] as number)) onSuspect();
          else doubt(true);
        }),
      );
      await wake.sleep(durationMs(Math.min(watchSpacing, endsAt - clock.elapsed())));
    }
    // The last packets may still be answered, unless an answer has ended the watch.
    if (isDoubted) await Promise.all(open);
    // Else the round that was half over when the target died would be dated after this one.
    if (isDoubted) await reported;
    const round = found.round();
    if (round !== undefined && !isClosed) report(round, watchSpacing, !isDoubted);
  }

  return {
    id: target.id,
    every: target.every,
    maxRuns: MAX_RUNS,
    isBounded: false,
    async run({ endsAt }: Slot) {
      slotEndsAt = endsAt;
      const address = await names.resolve(target.address);
      if (address === undefined) {
        notes.set(target.probe, target.id, `bad-address: ${target.address} does not resolve`);
        return;
      }
      if (!isDoubted) {
        await measure(address, target.count);
        return;
      }
      await watch(address, true);
      const rest = Math.floor((endsAt - clock.elapsed()) / spacing);
      if (!isDoubted && !isClosed && rest > 0) await measure(address, rest);
    },
    async confirm() {
      const address = await names.resolve(target.address);
      if (address !== undefined) await burst(address);
    },
    close() {
      isClosed = true;
      notes.clear(target.probe, target.id);
      wake.ring();
    },
  };
}

/** Single packets put together as one round, in the order of their sending. */
function createWatchRound(): { add(single: EchoRound): void; round(): EchoRound | undefined } {
  const singles: EchoRound[] = [];
  return {
    add: (single) => void singles.push(single),
    round() {
      singles.sort((a, b) => a.startedAt - b.startedAt);
      const first = singles[0];
      if (first === undefined) return undefined;
      return {
        startedAt: first.startedAt,
        sent: singles.length,
        rttMs: Float64Array.from(singles, (single) => single.rttMs[0] as number),
      };
    },
  };
}
