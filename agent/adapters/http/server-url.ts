import { isIP } from 'node:net';

/** A server address that must not be used; the command ends with exit code 78. */
export interface BadServerUrl {
  readonly kind: 'bad';
  readonly text: string;
}

/** https anywhere; plain http only to this machine, where nobody can listen in on the token. */
export function checkServerUrl(text: string): { kind: 'good'; url: URL } | BadServerUrl {
  if (!URL.canParse(text)) {
    return { kind: 'bad', text: `${text} is no URL; write https://vedette.example.org:8443` };
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return {
      kind: 'bad',
      text: 'the server URL must not carry a user or password; use VEDETTE_TOKEN',
    };
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) {
    return { kind: 'good', url };
  }
  return {
    kind: 'bad',
    text: `${url.protocol}//${url.host} would send the token and SNMP credentials in clear; use https:// (plain http only to 127.0.0.1, ::1 or localhost)`,
  };
}

function isLoopback(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}
