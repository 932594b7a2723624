/**
 * STAMP test packets, unauthenticated mode (RFC 8762, 4.2.1 and 4.3.1): 44 octets, big-endian.
 *
 *     sender     seq 4 | T1 8 | error 2 | zero 30
 *     reflector  seq 4 | T3 8 | error 2 | zero 2 | T2 8 | sender seq 4 | T1 8 | sender error 2 |
 *                zero 2 | sender TTL 1 | zero 3
 */

export const STAMP_PACKET_BYTES = 44;

/** Seconds between 1900 (NTP era 0) and 1970. */
const NTP_OFFSET_S = 2_208_988_800;
const FRACTIONS = 2 ** 32;
const NS_PER_S = 1e9;
/** Offsets of the three times and the echoed sequence number in a reflector's packet. */
const T3_AT = 4;
const T2_AT = 16;
const SENDER_SEQUENCE_AT = 24;
const T1_AT = 28;
const TTL_AT = 40;

/** An instant by two exact integers: a double cannot hold nanoseconds since 1970. */
export interface WireTime {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  /** 0..999,999,999. */
  readonly nanoseconds: number;
}

/** Error Estimate (RFC 8762, 4.2.1): error in seconds = multiplier * 2^(scale - 32). */
export interface ErrorEstimate {
  /** S: the clock is synchronised to UTC by an outside source. */
  readonly synchronised: boolean;
  /** Z: times are PTPv2 truncated (seconds, nanoseconds) and not NTP. */
  readonly ptp: boolean;
  /** 0..63. */
  readonly scale: number;
  /** 1..255; 0 is invalid on the wire. */
  readonly multiplier: number;
}

export interface StampRequest {
  /** 0..2^32-1; counts the packets of a session from 0. */
  readonly sequence: number;
  readonly sentAt: WireTime;
  readonly error: ErrorEstimate;
}

export interface StampReply {
  readonly sequence: number;
  /** T3, reflector's clock. */
  readonly sentAt: WireTime;
  readonly error: ErrorEstimate;
  /** T2, reflector's clock. */
  readonly receivedAt: WireTime;
  readonly senderSequence: number;
  /** T1 as it came back. */
  readonly senderSentAt: WireTime;
  readonly senderError: ErrorEstimate;
  /** TTL or hop limit with which the request arrived; 255 when nothing was in between. */
  readonly senderTtl: number;
}

/** Nanoseconds from `from` to `to`, exact below 104 days. */
export const nanosecondsBetween = (from: WireTime, to: WireTime): number =>
  (to.seconds - from.seconds) * NS_PER_S + (to.nanoseconds - from.nanoseconds);

/**
 * Writes an NTP 64-bit time. Rounding the fraction to nearest makes every nanosecond come back as
 * itself: one fraction is 0.23 ns. The shift by 2^32 is exact in a double, so only the division rounds.
 */
export function writeNtpTime(view: DataView, at: number, time: WireTime): void {
  view.setUint32(at, (time.seconds + NTP_OFFSET_S) >>> 0);
  view.setUint32(at + 4, Math.round((time.nanoseconds * FRACTIONS) / NS_PER_S));
}

/** Reads an NTP time; a first bit of 0 means era 1, which begins in February 2036 (RFC 4330, 3). */
export function readNtpTime(view: DataView, at: number): WireTime {
  const raw = view.getUint32(at);
  const seconds = raw - NTP_OFFSET_S + (raw < 0x8000_0000 ? FRACTIONS : 0);
  const nanoseconds = Math.round((view.getUint32(at + 4) * NS_PER_S) / FRACTIONS);
  // The last two fractions of a second round up to the next one.
  return nanoseconds === NS_PER_S
    ? { seconds: seconds + 1, nanoseconds: 0 }
    : { seconds, nanoseconds };
}

function readTime(view: DataView, at: number, ptp: boolean): WireTime {
  if (!ptp) return readNtpTime(view, at);
  return { seconds: view.getUint32(at), nanoseconds: view.getUint32(at + 4) % NS_PER_S };
}

/** The smallest estimate that is not below `seconds`; never the invalid multiplier 0. */
export function errorEstimateOf(seconds: number, synchronised: boolean): ErrorEstimate {
  const units = Math.max(1, Math.min(seconds * FRACTIONS, 255 * 2 ** 63) || 1);
  const scale = Math.max(0, Math.ceil(Math.log2(units / 255)));
  const multiplier = Math.min(255, Math.max(1, Math.ceil(units / 2 ** scale)));
  return { synchronised, ptp: false, scale: Math.min(63, scale), multiplier };
}

export const errorSeconds = (estimate: ErrorEstimate): number =>
  estimate.multiplier * 2 ** (estimate.scale - 32);

/** Sixteen bits: S, Z, scale (6), multiplier (8). */
export const packErrorEstimate = (estimate: ErrorEstimate): number =>
  (estimate.synchronised ? 0x8000 : 0) |
  (estimate.ptp ? 0x4000 : 0) |
  ((estimate.scale & 0x3f) << 8) |
  (estimate.multiplier & 0xff);

export const unpackErrorEstimate = (bits: number): ErrorEstimate => ({
  synchronised: (bits & 0x8000) !== 0,
  ptp: (bits & 0x4000) !== 0,
  scale: (bits >> 8) & 0x3f,
  multiplier: bits & 0xff,
});

/** Writes the 44 octets of a sender's packet at the start of `view`; throws RangeError if shorter. */
export function writeStampRequest(view: DataView, request: StampRequest): void {
  zero(view);
  view.setUint32(0, request.sequence);
  writeNtpTime(view, 4, request.sentAt);
  view.setUint16(12, packErrorEstimate(request.error));
}

/**
 * Reads a sender's packet. Undefined: too short, or it is itself a reflector's packet. The second
 * matters: two reflectors that list each other would otherwise play ping-pong for ever with one
 * forged packet. What must be zero is not looked at (RFC 8762: ignored on receipt).
 */
export function readStampRequest(view: DataView): StampRequest | undefined {
  if (view.byteLength < STAMP_PACKET_BYTES || isReflected(view)) return undefined;
  const error = unpackErrorEstimate(view.getUint16(12));
  return { sequence: view.getUint32(0), sentAt: readTime(view, 4, error.ptp), error };
}

/** T2 within an hour of T3, where a sender writes zeros: the packet comes from a reflector. */
function isReflected(view: DataView): boolean {
  const apart = Math.abs(view.getUint32(T2_AT) - view.getUint32(T3_AT));
  return view.getUint32(T2_AT) !== 0 && apart < 3600;
}

/**
 * Turns the sender's packet in `view` into the reflector's, in place and of the same length
 * (extra octets become zero). T1 and its error are copied octet by octet, whatever their format.
 */
export function reflectStampRequest(
  view: DataView,
  times: { readonly receivedAt: WireTime; readonly sentAt: WireTime },
  error: ErrorEstimate,
  ttl: number,
): void {
  const sequence = view.getUint32(0);
  const [t1High, t1Low, t1Error] = [view.getUint32(4), view.getUint32(8), view.getUint16(12)];
  zero(view);
  view.setUint32(0, sequence);
  writeNtpTime(view, T3_AT, times.sentAt);
  view.setUint16(12, packErrorEstimate({ ...error, ptp: false }));
  writeNtpTime(view, T2_AT, times.receivedAt);
  view.setUint32(SENDER_SEQUENCE_AT, sequence);
  view.setUint32(T1_AT, t1High);
  view.setUint32(T1_AT + 4, t1Low);
  view.setUint16(36, t1Error);
  view.setUint8(TTL_AT, ttl);
}

/** Reads a reflector's packet; undefined when it is too short. */
export function readStampReply(view: DataView): StampReply | undefined {
  if (view.byteLength < STAMP_PACKET_BYTES) return undefined;
  const error = unpackErrorEstimate(view.getUint16(12));
  const senderError = unpackErrorEstimate(view.getUint16(36));
  return {
    sequence: view.getUint32(0),
    sentAt: readTime(view, T3_AT, error.ptp),
    error,
    receivedAt: readTime(view, T2_AT, error.ptp),
    senderSequence: view.getUint32(SENDER_SEQUENCE_AT),
    senderSentAt: readTime(view, T1_AT, senderError.ptp),
    senderError,
    senderTtl: view.getUint8(TTL_AT),
  };
}

function zero(view: DataView): void {
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0);
  // A view shorter than a packet must fail here, not write a half packet.
  if (view.byteLength < STAMP_PACKET_BYTES) throw new RangeError('STAMP packets have 44 octets');
}
