import { createHmac } from 'node:crypto';

/** Secret bytes from `whsec_` + base64 of 24 to 64 bytes. Throws with the reason, never the secret. */
export function parseSecret(secret: string): Buffer {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) {
    throw new Error('a webhook secret is whsec_ followed by base64');
  }
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  if (key.length < 24 || key.length > 64) {
    throw new Error(`a webhook secret holds 24 to 64 bytes; this one holds ${key.length}`);
  }
  return key;
}

/**
 * Value of the header webhook-signature (Standard Webhooks 1.0.0): one `v1,` signature per secret,
 * newest secret first, so that a receiver can change its secret without a gap.
 * @param timestamp whole seconds since 1970
 * @param body the exact text that is sent
 */
export function signature(
  keys: readonly Buffer[],
  id: string,
  timestamp: number,
  body: string,
): string {
  const signed = `${id}.${timestamp}.${body}`;
  return keys
    .map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    .join(' ');
}
