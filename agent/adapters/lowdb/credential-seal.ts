import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { AgentConfig } from '../../../protocol/wire/agent-config.ts';

/** SNMP credentials as they lie on disk. All texts base64. */
export interface SealedCredentials {
  readonly salt: string;
  readonly nonce: string;
  readonly tag: string;
  readonly sealed: string;
}

type Credentials = AgentConfig['credentials'];

const PURPOSE = 'vedette agent.json credentials v1';

/** AES-256-GCM; the key is HKDF-SHA-256 of `secret` (VEDETTE_AGENT_KEY, or the token) with a fresh salt. */
export function sealCredentials(credentials: Credentials, secret: string): SealedCredentials {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, salt), nonce);
  const sealed = Buffer.concat([
    cipher.update(JSON.stringify(credentials), 'utf8'),
    cipher.final(),
  ]);
  return {
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    sealed: sealed.toString('base64'),
  };
}

/** Undefined when the secret is another one or the text was tampered with. */
export function unsealCredentials(
  { salt, nonce, tag, sealed }: SealedCredentials,
  secret: string,
): Credentials | undefined {
  try {
    const key = keyOf(secret, Buffer.from(salt, 'base64'));
    const options = { authTagLength: 16 };
    const open = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), options);
    open.setAuthTag(Buffer.from(tag, 'base64'));
    const text = Buffer.concat([open.update(Buffer.from(sealed, 'base64')), open.final()]);
    return JSON.parse(text.toString('utf8')) as Credentials;
  } catch {
    return undefined;
  }
}

const keyOf = (secret: string, salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, PURPOSE, 32));
