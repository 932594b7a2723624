import type { SnmpFailure } from '../../ports/snmp.ts';

/** What the device objected to, where the walk can adapt to it; `other` ends the call. */
export type Objection = 'too-big' | 'refused' | 'out-of-sync' | 'other';

/** Why one request failed. Never leaves the adapter: readers turn it into an `SnmpAnswer`. */
export class SnmpReadError extends Error {
  readonly failure: SnmpFailure;
  readonly objection: Objection;

  constructor(failure: SnmpFailure, objection: Objection = 'other') {
    super(failure.text);
    this.name = 'SnmpReadError';
    this.failure = failure;
    this.objection = objection;
  }
}

export const failure = (kind: SnmpFailure['kind'], text: string): SnmpFailure => ({ kind, text });
