import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/** One round of echoes (ICMP) or test packets (STAMP) to one address. */
export interface EchoRequest {
  readonly kind: 'icmp' | 'stamp';
  /** IPv4 or IPv6 address, already resolved. */
  readonly address: string;
  readonly port?: number;
  readonly source?: string;
  readonly dscp?: number;
  readonly count: number;
  /** From one send to the next. */
  readonly spacing: DurationMs;
  /** An answer that takes longer counts as lost. */
  readonly timeout: DurationMs;
  /** When set, `onSuspect` is called once, as soon as one packet has been unanswered this long. */
  readonly suspectAfter?: DurationMs;
  readonly onSuspect?: () => void;
}

/** Why packets did not leave: never counted as loss, never an outage. */
export interface Unsent {
  readonly because: 'no-permission' | 'no-route' | 'firewall' | 'bad-address' | 'busy' | 'closed';
  readonly text: string;
}

export interface EchoRound {
  readonly startedAt: EpochMs;
  /** Packets that left the machine. */
  readonly sent: number;
  /** Round trip of each sent packet in order, ms; NaN = lost. STAMP: reflector dwell time taken off. */
  readonly rttMs: Float64Array;
  /** STAMP only: one-way delays, ms, same order, raw clock difference included; NaN = lost. */
  readonly forwardMs?: Float64Array;
  readonly backwardMs?: Float64Array;
  /** Set when some or all packets did not leave. */
  readonly unsent?: Unsent;
  /** A router or the target answered "unreachable": the address of whoever said so. */
  readonly unreachableFrom?: string;
}

export interface EchoEngine {
  /** "raw sockets", "datagram sockets", "ping program", "absent". */
  readonly name: string;
  /** Why a better engine was not chosen, with the exact line that would mend it. */
  readonly note?: string;
  measure(request: EchoRequest): Promise<EchoRound>;
  close(): Promise<void>;
}

/** STAMP reflector (RFC 8762, unauthenticated, stateless); answers only listed peers. */
export interface Reflector {
  readonly port: number;
  close(): Promise<void>;
}
