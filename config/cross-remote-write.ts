import { checkTwins, type Findings } from './cross.ts';
import { isLoopback } from './cross-server.ts';
import type { Config } from './schema.ts';

type RemoteWrite = Config['server']['remoteWrite'][number];

/** What the protocol itself says, and what would lead a request astray. */
const OURS =
  /^(content-.*|user-agent|x-prometheus-remote-write-version|host|connection|transfer-encoding)$/i;
const SECRET = /^(authorization|cookie|proxy-authorization|x-api-key|api-key)$/i;

/** Stores that samples are handed to. */
export function checkRemoteWrite(findings: Findings): void {
  const targets = findings.config.server.remoteWrite;
  checkTwins(findings, '/server/remoteWrite', targets);
  for (const [n, target] of targets.entries()) {
    checkUrl(findings, `/server/remoteWrite/${n}`, target);
    checkHeaders(findings, `/server/remoteWrite/${n}`, target);
  }
}

function checkUrl(findings: Findings, at: string, { url: text, plainHttp }: RemoteWrite): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    if (text !== '') findings.error(`${at}/url`, 'this is not a URL');
    return;
  }
  if (url.username !== '' || url.password !== '') {
    findings.error(
      `${at}/url`,
      'a URL must not hold credentials: use bearerToken or secretHeaders',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !plainHttp) {
    findings.error(
      `${at}/url`,
      'http:// beyond this machine can be read on the way: use https://, or set plainHttp: true',
    );
  }
}

function checkHeaders(findings: Findings, at: string, target: RemoteWrite): void {
  const { headers, secretHeaders, bearerToken } = target;
  for (const name of Object.keys(headers)) {
    if (SECRET.test(name)) {
      findings.error(
        `${at}/headers/${name}`,
        'secrets are never written here: put a reference into secretHeaders',
      );
    }
  }
  const seen = new Set(bearerToken === undefined ? [] : ['authorization']);
  const all = { headers, secretHeaders };
  for (const [section, values] of Object.entries(all)) {
    for (const name of Object.keys(values)) {
      const where = `${at}/${section}/${name}`;
      if (OURS.test(name)) findings.error(where, 'this header is set by remote write itself');
      else if (seen.has(name.toLowerCase())) findings.error(where, 'this header is given twice');
      seen.add(name.toLowerCase());
    }
  }
}
