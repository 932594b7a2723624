import type { EpochMs } from '../../protocol/model/units.ts';
import type { SnmpCredential, SnmpTarget } from '../../protocol/wire/agent-config.ts';

/** Why a device did not answer, in words that name the fix. */
export type SnmpFailure =
  | { readonly kind: 'timed-out'; readonly text: string }
  | { readonly kind: 'unknown-user'; readonly text: string }
  | { readonly kind: 'wrong-digest'; readonly text: string }
  | { readonly kind: 'not-in-view'; readonly text: string }
  | { readonly kind: 'unreachable'; readonly text: string }
  | { readonly kind: 'malformed'; readonly text: string };

export interface SnmpSystem {
  readonly at: EpochMs;
  readonly uptimeTicks?: number;
  readonly engineBoots?: number;
  readonly engineTimeS?: number;
  readonly descr?: string;
  readonly name?: string;
  readonly objectId?: string;
}

/** One row of IF-MIB as read; what the device does not have is absent. Counters are exact. */
export interface InterfaceRow {
  readonly ifIndex: number;
  readonly name?: string;
  readonly descr?: string;
  readonly alias?: string;
  readonly mac?: string;
  readonly type?: number;
  readonly speedBps?: number;
  readonly adminUp?: boolean;
  readonly operUp?: boolean;
  readonly discontinuityTicks?: number;
  readonly counters: {
    readonly [K in
      | 'inOctets'
      | 'outOctets'
      | 'inErrors'
      | 'outErrors'
      | 'inDiscards'
      | 'outDiscards']?: { readonly value: bigint; readonly bits: 32 | 64 };
  };
}

export interface Environment {
  readonly cpuRatio?: number;
  readonly memoryRatio?: number;
  readonly temperatureCelsius?: number;
}

export type SnmpAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: SnmpFailure };

/** Reads one device. Calls of one device never overlap; every call ends within its deadline. */
export interface SnmpReader {
  system(deadline: EpochMs): Promise<SnmpAnswer<SnmpSystem>>;
  /** `withNames` also reads name, descr, alias, MAC, type and speed (slow poll). */
  interfaces(withNames: boolean, deadline: EpochMs): Promise<SnmpAnswer<InterfaceRow[]>>;
  environment(deadline: EpochMs): Promise<SnmpAnswer<Environment>>;
  close(): void;
}

export interface SnmpEngine {
  readonly name: string;
  open(
    target: Pick<SnmpTarget, 'address' | 'port' | 'timeout'>,
    credential: SnmpCredential,
  ): SnmpReader;
  close(): void;
}
