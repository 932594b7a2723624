import type { Check } from './doctor-checks.ts';

/** Beyond this the collector's corrections begin, and beyond the second it refuses samples, ms. */
const SKEW_SEEN = 1_000;
const SKEW_REFUSED = 5 * 60_000;
const WITHIN = 10_000;

/** The server as an agent would find it: reachable, its clock beside ours, and the token. */
export async function checkServer(url: URL, token: string | undefined): Promise<Check[]> {
  const sentAt = Date.now();
  let answer: Response;
  try {
    answer = await fetch(new URL('/v1/agent/config', url), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(WITHIN),
    });
    await answer.body?.cancel();
  } catch (cause) {
    return [
      {
        name: 'server',
        state: 'fail',
        text: `${url.origin} does not answer: ${reasonOf(cause)}`,
        fix: 'check the address, the route and the firewall; agents use the collector’s port, not the page’s',
      },
    ];
  }
  const roundTrip = Date.now() - sentAt;
  return [
    { name: 'server', state: 'ok', text: `${url.origin} answers in ${roundTrip} ms` },
    checkToken(answer.status, token),
    checkSkew(answer.headers.get('date'), sentAt + roundTrip / 2),
  ];
}

export function checkToken(status: number, token: string | undefined): Check {
  const name = 'token';
  if (token === undefined) {
    const fix = 'set VEDETTE_TOKEN or VEDETTE_TOKEN_FILE';
    return { name, state: 'warn', text: 'none given, so not tried', fix };
  }
  if (status === 200 || status === 304) {
    return { name, state: 'ok', text: 'valid, and the server has a configuration for it' };
  }
  if (status === 401 || status === 403) {
    const fix = 'make a new one on the server: vedette token create AGENT';
    return { name, state: 'fail', text: 'missing, unknown or revoked', fix };
  }
  if (status === 404) {
    const fix = 'add the agent to the server’s configuration, or check that this is the collector';
    return { name, state: 'fail', text: 'no configuration for its agent there', fix };
  }
  return { name, state: 'warn', text: `could not be tried: HTTP ${status}` };
}

/** An HTTP date has whole seconds: up to one second of difference is its rounding. */
export function checkSkew(date: string | null, at: number): Check {
  const name = 'clock against the server';
  const theirs = date === null ? Number.NaN : Date.parse(date) + 500;
  if (Number.isNaN(theirs)) return { name, state: 'warn', text: 'the server states no date' };
  const skew = at - theirs;
  const size = Math.abs(skew);
  const text = `${(size / 1000).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} the server`;
  if (size <= SKEW_SEEN + 500) return { name, state: 'ok', text };
  const fix = 'synchronise both clocks: sudo timedatectl set-ntp true';
  return { name, state: size < SKEW_REFUSED ? 'warn' : 'fail', text, fix };
}

function reasonOf(cause: unknown): string {
  const { message, cause: inner } = cause as Error & { cause?: Error & { code?: string } };
  return inner?.code ?? inner?.message ?? message;
}
