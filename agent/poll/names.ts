import { isIP } from 'node:net';
import { type DurationMs, minutes, seconds } from '../../protocol/model/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { LookUpName } from '../ports/names.ts';

/** Addresses of the targets' names, looked up rarely: a poll must not wait for a name server. */
export interface Names {
  /** The address, at once if it is known; undefined when the name has never resolved. */
  resolve(name: string): Promise<string | undefined>;
}

const AGAIN: DurationMs = minutes(5);
const AGAIN_AFTER_FAILURE: DurationMs = seconds(30);

interface Known {
  address: string | undefined;
  nextAt: number;
  pending: Promise<void> | undefined;
}

export function createNames(options: {
  readonly lookUp: LookUpName;
  readonly clock: Clock;
}): Names {
  const { lookUp, clock } = options;
  const known = new Map<string, Known>();

  async function refresh(name: string, entry: Known): Promise<void> {
    const address = await lookUp(name).catch(() => undefined);
    // A name server that is away takes no address away.
    entry.address = address ?? entry.address;
    entry.nextAt = clock.elapsed() + (address === undefined ? AGAIN_AFTER_FAILURE : AGAIN);
    entry.pending = undefined;
  }

  return {
    async resolve(name) {
      if (isIP(name) !== 0) return name;
      const entry = known.get(name) ?? { address: undefined, nextAt: 0, pending: undefined };
      known.set(name, entry);
      const isDue = clock.elapsed() >= entry.nextAt;
      if (isDue && entry.pending === undefined) entry.pending = refresh(name, entry);
      if (entry.address === undefined) await entry.pending;
      return entry.address;
    },
  };
}
