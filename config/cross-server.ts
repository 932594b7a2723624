import { BlockList, isIP } from 'node:net';
import { checkTwins, type Findings } from './cross.ts';
import type { Config } from './schema.ts';
import { parseDuration } from './words.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** A host, with or without the brackets of IPv6, that never leaves this machine. */
export const isLoopback = (host: string): boolean => {
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare === 'localhost') return true;
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
};

/** Listeners and ticket destinations: what must not be open, and what must not be read on the way. */
export function checkServer(findings: Findings): void {
  const { agents, people } = findings.config.server;
  if (!isLoopback(people.address)) {
    findings.error(
      '/server/people/address',
      'the page has no users yet, so it listens on loopback only: use 127.0.0.1 and an ssh tunnel or a proxy that knows its users',
    );
  }
  if (!isLoopback(agents.address) && agents.tls === undefined) {
    findings.error(
      '/server/agents/address',
      'tokens must not cross a network in clear: give tls: { cert: FILE, key: FILE }, or listen on 127.0.0.1 behind a proxy that speaks TLS',
    );
  }
  if (agents.address === people.address && agents.port === people.port) {
    findings.error('/server/people/port', 'agents and people need a port each');
  }
  checkTickets(findings);
}

type Destination = Config['tickets']['destinations'][number];

function checkTickets(findings: Findings): void {
  const { destinations, mode } = findings.config.tickets;
  checkTwins(findings, '/tickets/destinations', destinations);
  if (destinations.length === 0 && mode === 'send') {
    findings.warn('/tickets', 'no destination: incidents are shown and nothing is sent');
  }
  for (const [n, destination] of destinations.entries()) {
    checkDestination(findings, `/tickets/destinations/${n}`, destination);
  }
}

function checkDestination(findings: Findings, at: string, destination: Destination): void {
  const url = URL.canParse(destination.url) ? new URL(destination.url) : undefined;
  if (url === undefined) {
    if (destination.url !== '') findings.error(`${at}/url`, 'this is not a URL');
    return;
  }
  if (url.username !== '' || url.password !== '') {
    findings.error(`${at}/url`, 'a URL must not hold credentials: messages are signed instead');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !destination.plainHttp) {
    findings.error(
      `${at}/url`,
      'http:// beyond this machine can be read on the way: use https://, or set plainHttp: true',
    );
  }
  checkOpenAfter(findings, at, destination);
}

function checkOpenAfter(findings: Findings, at: string, { openAfter }: Destination): void {
  const waits = Object.entries(openAfter).filter(([, wait]) => wait !== 'never');
  if (waits.length === 0) findings.warn(`${at}/openAfter`, 'never for every priority: no tickets');
  for (const [n, [priority, wait]] of waits.entries()) {
    const [graver, shorter] = waits[n - 1] ?? [];
    if (shorter === undefined || parseDuration(wait) >= parseDuration(shorter)) continue;
    findings.warn(
      `${at}/openAfter/${priority}`,
      `${priority} is ticketed sooner (${wait}) than the graver ${graver} (${shorter})`,
    );
  }
}
