import type { DurationMs } from '../../protocol/model/units.ts';
import type { Clock } from '../ports/clock.ts';

/** A sleep that can be ended early. */
export interface Wake {
  /** Resolves after `wait` or at the next `ring`, whichever comes first. */
  sleep(wait: DurationMs): Promise<void>;
  ring(): void;
}

export function createWake(clock: Clock): Wake {
  const sleepers = new Set<() => void>();
  return {
    sleep: (wait) =>
      new Promise((resolve) => {
        const cancel = clock.after(wait, done);
        sleepers.add(done);
        function done(): void {
          cancel();
          sleepers.delete(done);
          resolve();
        }
      }),
    ring() {
      for (const done of [...sleepers]) done();
    },
  };
}
