/** Limits of the echo state machine, ms. */
export interface EchoLimits {
  readonly suspectAfter: number;
  readonly confirmTimeout: number;
}

/** The burst that follows a miss (design 6.16). */
export const BURST = { count: 10, spacing: 100 } as const;

/** While a target is doubted one packet a second looks for its return, or more if its rounds do. */
export const WATCH_SPACING = 1_000;

/**
 * How long one packet may be unanswered before it is taken for a miss, and how long each packet of
 * the burst waits. `usualRttMs` and `jitterMs` are undefined until the target has answered.
 *
 * Suspicion is cheap (ten packets) and mistrust of it is built in (all ten must be lost), so it may
 * come early: TCP gives a segment up after SRTT + 4 * RTTVAR, with a floor of 1 s (RFC 6298 2.3, 2.4).
 * Four round trips plus four jitters is well beyond that on any path. The floor of 200 ms keeps a
 * router that answers echoes when it has nothing better to do from causing bursts on a LAN path.
 */
export function echoLimits(
  timeout: number,
  usualRttMs: number | undefined,
  jitterMs: number | undefined,
): EchoLimits {
  if (usualRttMs === undefined) return { suspectAfter: timeout, confirmTimeout: timeout };
  const patience = 4 * usualRttMs + 4 * (jitterMs ?? 0);
  return {
    suspectAfter: Math.min(timeout, Math.max(200, patience)),
    confirmTimeout: Math.min(timeout, Math.max(300, patience)),
  };
}

/** The usual round trip: moves an eighth of the way to each round's median (the gain of RFC 6298). */
export const nextUsualRtt = (usual: number | undefined, medianMs: number): number =>
  usual === undefined ? medianMs : usual + (medianMs - usual) / 8;
