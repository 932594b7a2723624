import { applyFault, type Fault, type FaultKind } from './faults.ts';
import { createRandom } from './random.ts';
import type { LabWan } from './wan.ts';

export interface ScriptOptions {
  readonly seed: number;
  /** 2 = twice as many faults, each half as long. */
  readonly speed: number;
  readonly onFault: (fault: Fault) => void;
  readonly onMend: (fault: Fault) => void;
}

/** Seconds until the first fault, of one fault, and of quiet after it. */
const FIRST_S = 12;
const FAULT_S = 50;
const QUIET_S = 70;

/** The most telling first; after that by chance. */
const OPENING: readonly FaultKind[] = ['circuit-cut', 'packet-loss', 'congestion', 'reboot'];
const LATER: readonly FaultKind[] = [
  ...OPENING,
  'delay',
  'interface-down',
  'snmp-stopped',
  'line-errors',
];

/** A fault every two minutes, one at a time, the same for the same seed. Returns how to stop it. */
export function runScript(wan: LabWan, options: ScriptOptions): () => void {
  const random = createRandom(options.seed ^ 0x5eed);
  const branches = wan.sites.filter((site) => site.path).map((site) => site.plan.id);
  let count = 0;
  let current: Fault | undefined;
  let timer: NodeJS.Timeout;
  const wait = (seconds: number, then: () => void): void => {
    timer = setTimeout(then, (seconds * 1000) / options.speed);
  };
  const mend = (): void => {
    if (current) {
      current.mend();
      options.onMend(current);
      current = undefined;
    }
    wait(QUIET_S, strike);
  };
  const strike = (): void => {
    const kind = OPENING[count++] ?? random.pick(LATER);
    current = applyFault(wan, kind, random.pick(branches));
    options.onFault(current);
    wait(FAULT_S, mend);
  };
  wait(FIRST_S, strike);
  return () => {
    clearTimeout(timer);
    current?.mend();
  };
}
