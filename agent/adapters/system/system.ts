import { lookup } from 'node:dns/promises';
import { epochMs } from '../../../protocol/model/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LookUpName } from '../../ports/names.ts';

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  elapsed: () => performance.now(),
  after(wait, call) {
    const timer = setTimeout(call, wait);
    return () => clearTimeout(timer);
  },
};

/** By getaddrinfo, so that /etc/hosts and the machine's own search domains count. */
export const lookUpName: LookUpName = async (name) => {
  try {
    return (await lookup(name)).address;
  } catch {
    return undefined;
  }
};
