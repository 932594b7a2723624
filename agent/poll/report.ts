import type { InterfaceEntry } from '../../protocol/wire/batch.ts';
import type { PollSample } from './snmp/snmp-samples.ts';

/** What one poll found. It stays in one batch: rates need uptime and counters together. */
export interface PollReport {
  readonly samples: readonly PollSample[];
  readonly interfaces?: readonly InterfaceEntry[];
  /** Leaves at once, and takes along what is waiting: an outage or its end. */
  readonly isUrgent?: boolean;
}

export type SubmitReport = (report: PollReport) => void;
