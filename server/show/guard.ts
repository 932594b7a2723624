import type { IncomingHttpHeaders } from 'node:http';

/** Answers nothing to names that are not ours, so that a rebound DNS name cannot read the page. */
export function isOurHost(host: string | undefined, configured: readonly string[]): boolean {
  const name = hostName(host);
  return name !== undefined && (isLoopbackName(name) || configured.includes(name));
}

/** Name without the port, lower case; IPv6 without brackets. */
function hostName(host: string | undefined): string | undefined {
  if (host === undefined || host.length > 255) return undefined;
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** Names that only this machine resolves to itself; `localhost` is loopback by RFC 6761. */
const isLoopbackName = (name: string): boolean =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '::1' ||
  /^127(?:\.\d{1,3}){3}$/.test(name);

/**
 * Why a request looks like another web site's, or undefined. Browsers say where a request comes
 * from (Sec-Fetch-Site, Origin) and pages cannot forge it; a request that says neither is not a
 * browser's and carries no one's rights. Reads are refused too when a foreign page makes them: it
 * could not read the answer, but could use up the streams.
 */
export function foreignOrigin(
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
): string | undefined {
  const isRead = method === 'GET' || method === 'HEAD';
  const site = headers['sec-fetch-site'];
  if (isRead) {
    const isFollowedLink = headers['sec-fetch-mode'] === 'navigate';
    const isForeign = (site === 'cross-site' || site === 'same-site') && !isFollowedLink;
    return isForeign && path.startsWith('/api/') ? `Sec-Fetch-Site is ${site}` : undefined;
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return `Sec-Fetch-Site is ${String(site)}`;
  const { origin, host } = headers;
  if (origin === undefined) return undefined;
  return originHost(origin) === host?.toLowerCase()
    ? undefined
    : `Origin is ${origin.slice(0, 100)}`;
}

function originHost(origin: string): string | undefined {
  const url = URL.parse(origin);
  return url === null || !/^https?:$/.test(url.protocol) ? undefined : url.host;
}

/** Everything the page needs comes from this server, nothing is inline, nobody may frame it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; worker-src 'self'; font-src 'self'; manifest-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
