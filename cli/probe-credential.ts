import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { SnmpCredential } from '../protocol/wire/agent-config.ts';

export type ReadCredential =
  | { readonly kind: 'read'; readonly credential: SnmpCredential }
  | { readonly kind: 'refused'; readonly text: string };

export interface CredentialSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The whole of standard input. */
  readonly readStdin: () => string;
}

/** A secret is never longer; a whole disk given by mistake is not read into memory. */
const SECRET_MAX = 16_384;

/**
 * `env:NAME`, `file:PATH` or `-`; what is found there is a v2c community or the JSON of an SNMP
 * credential. A secret on the command line would be seen by everybody on the machine (`ps`), so the only
 * word taken literally is the one that is no secret: public. Never repeats a secret in its words.
 */
export function readCredential(source: string, from: CredentialSources): ReadCredential {
  if (source === 'public') return community('public');
  const text = textAt(source, from);
  if (text.kind === 'refused') return text;
  const secret = text.secret.replace(/\r?\n$/, '');
  if (secret === '') return refused(`${source} is empty`);
  if (secret.length > SECRET_MAX) return refused(`${source} is too long for a credential`);
  return secret.trimStart().startsWith('{') ? fromJson(secret, source) : community(secret);
}

type Text = { readonly kind: 'found'; readonly secret: string };
type Refused = Extract<ReadCredential, { kind: 'refused' }>;

const refused = (text: string): Refused => ({ kind: 'refused', text });

function textAt(source: string, { env, readStdin }: CredentialSources): Text | Refused {
  if (source === '-') return { kind: 'found', secret: readStdin() };
  if (source.startsWith('env:')) {
    const secret = env[source.slice(4)];
    return secret === undefined
      ? refused(`the environment has no variable ${source.slice(4)}`)
      : { kind: 'found', secret };
  }
  if (source.startsWith('file:')) {
    try {
      return { kind: 'found', secret: readFileSync(source.slice(5), 'utf8') };
    } catch (cause) {
      return refused(`cannot read ${source.slice(5)}: ${(cause as Error).message}`);
    }
  }
  return refused(
    'a community or key on the command line is seen by everybody on this machine: give --snmp env:NAME, file:PATH or - (standard input)',
  );
}

const isCredential = (value: unknown): value is SnmpCredential =>
  Value.Check(SnmpCredential, value);

function community(text: string): ReadCredential {
  const credential = { version: '2c' as const, community: text };
  return isCredential(credential)
    ? { kind: 'read', credential }
    : refused('a community has 1 to 255 characters');
}

function fromJson(text: string, source: string): ReadCredential {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(`${source} begins like JSON, but is not`);
  }
  if (isCredential(value)) return { kind: 'read', credential: value };
  const where = [...Value.Errors(SnmpCredential, value)][0]?.instancePath ?? '';
  return refused(
    `${source} is no SNMP credential${where === '' ? '' : ` (at ${where})`}; like {"version":"3","user":"…","auth":{"protocol":"sha256","key":"…"},"privacy":{"protocol":"aes128","key":"…"}}`,
  );
}
