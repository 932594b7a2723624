import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { RecordClock } from './clock.ts';

export interface TickerOptions {
  readonly clock: RecordClock;
  /** Without a tick for so long nobody was watching. */
  readonly away: DurationMs;
  readonly tick: (now: EpochMs) => void;
  readonly wasAway: (now: EpochMs) => void;
}

/** One tick for each whole second that passes while we live, always before later inputs. */
export interface Ticker {
  /** The time for an input that is made now; writes the tick of its second first if it is due. */
  advance(): EpochMs;
  start(): void;
  stop(): void;
}

export function createTicker({ clock, away, tick, wasAway }: TickerOptions): Ticker {
  let last = wholeSecond(clock.now());
  let timer: NodeJS.Timeout | undefined;

  function advance(): EpochMs {
    const now = clock.now();
    const second = wholeSecond(now);
    if (second > last) {
      if (second - last > away) wasAway(second);
      last = second;
      tick(second);
    }
    return now;
  }

  function arm(): void {
    timer = setTimeout(
      () => {
        advance();
        arm();
      },
      1001 - (clock.now() % 1000),
    );
  }

  return { advance, start: arm, stop: () => clearTimeout(timer) };
}

const wholeSecond = (at: EpochMs): EpochMs => epochMs(Math.floor(at / 1000) * 1000);
