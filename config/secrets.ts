import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigProblem, Origin } from './problem.ts';
import { pathText } from './problem.ts';
import type { Config, SecretRef } from './schema.ts';

/** Gives the secret behind a reference. Throws for one that was not in the configuration. */
export type Secrets = (ref: SecretRef | 'public') => string;

export type SecretsResult =
  | { readonly ok: true; readonly secrets: Secrets }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

type Env = Readonly<Record<string, string | undefined>>;

/** A secret larger than this is another file. */
const MAX_BYTES = 16 * 1024;

type Credential = Config['credentials'][string];

/** Every reference of a configuration with the pointer to it. */
function secretRefs(config: Config): [string, SecretRef][] {
  const ofCredentials = Object.entries(config.credentials).flatMap(([name, credential]) =>
    refsOf(credential).map(([at, ref]): [string, SecretRef] => [`/credentials/${name}${at}`, ref]),
  );
  const ofDestinations = config.tickets.destinations.flatMap(({ secrets }, n) =>
    secrets.map((ref, m): [string, SecretRef] => [`/tickets/destinations/${n}/secrets/${m}`, ref]),
  );
  const ofRemoteWrite = config.server.remoteWrite.flatMap(({ bearerToken, secretHeaders }, n) => {
    const at = `/server/remoteWrite/${n}`;
    return [
      ...(bearerToken === undefined ? [] : [[`${at}/bearerToken`, bearerToken]]),
      ...Object.entries(secretHeaders).map(([name, ref]) => [`${at}/secretHeaders/${name}`, ref]),
    ] as [string, SecretRef][];
  });
  return [...ofCredentials, ...ofDestinations, ...ofRemoteWrite];
}

function refsOf(credential: Credential): [string, SecretRef][] {
  if (credential.version === '2c') {
    return credential.community === 'public' ? [] : [['/community', credential.community]];
  }
  const { auth, privacy } = credential;
  return [
    ...(auth === undefined ? [] : ([['/auth/key', auth.key]] as [string, SecretRef][])),
    ...(privacy === undefined ? [] : ([['/privacy/key', privacy.key]] as [string, SecretRef][])),
  ];
}

/**
 * Reads every secret that the configuration refers to. Paths are relative to the file that names
 * them; credentials come from systemd's $CREDENTIALS_DIRECTORY. Values never enter a message.
 */
export async function readSecrets(
  loaded: { readonly config: Config; readonly origins: ReadonlyMap<string, Origin> },
  env: Env,
): Promise<SecretsResult> {
  // By identity: the same relative path means another file in another folder.
  const values = new Map<SecretRef, string>();
  const problems: ConfigProblem[] = [];
  for (const [pointer, ref] of secretRefs(loaded.config)) {
    const at = loaded.origins.get(pointer) ?? { source: 'configuration' };
    const found = await readOne(ref, env, path.dirname(at.source));
    const why = 'why' in found ? found.why : unfit(pointer, found.value);
    if (why !== undefined) problems.push({ at, path: pathText(pointer), message: why });
    else if ('value' in found) values.set(ref, found.value);
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    secrets: (ref) => {
      const value = ref === 'public' ? ref : values.get(ref);
      if (value === undefined) throw new Error(`no such secret: ${JSON.stringify(ref)}`);
      return value;
    },
  };
}

type Found = { readonly value: string } | { readonly why: string };

async function readOne(ref: SecretRef, env: Env, folder: string): Promise<Found> {
  if ('env' in ref) {
    const value = env[ref.env];
    return value ? { value } : { why: `the environment variable ${ref.env} is not set` };
  }
  if ('file' in ref) return readText(path.resolve(folder, ref.file));
  const directory = env['CREDENTIALS_DIRECTORY'];
  if (!directory) {
    return { why: `no systemd credentials here: $CREDENTIALS_DIRECTORY is not set` };
  }
  if (path.basename(ref.credential) !== ref.credential) {
    return { why: 'the name of a systemd credential has no slash' };
  }
  return readText(path.join(directory, ref.credential));
}

async function readText(file: string): Promise<Found> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) return { why: `${file} is larger than ${MAX_BYTES} bytes` };
    const value = bytes.toString('utf8').trim();
    return value === '' ? { why: `${file} is empty` } : { value };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { why: `${file} cannot be read (${code === 'ENOENT' ? 'no such file' : code})` };
  }
}

/** Why a value cannot be the secret that stands at this place. */
function unfit(pointer: string, value: string): string | undefined {
  if (pointer.startsWith('/server/')) {
    const isHeader = /^[\x20-\x7e]+$/.test(value);
    return isHeader ? undefined : 'it goes into an HTTP header: one line of printable ASCII';
  }
  if (!pointer.startsWith('/tickets/')) {
    const isShort = pointer.endsWith('/key') && value.length < 8;
    return isShort ? 'an SNMPv3 key has at least 8 characters (RFC 3414)' : undefined;
  }
  const [, coded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value) ?? [];
  const size = coded === undefined ? 0 : Buffer.from(coded, 'base64').length;
  return size >= 24 && size <= 64
    ? undefined
    : 'a webhook secret is whsec_ followed by base64 of 24 to 64 bytes: make one with `echo "whsec_$(openssl rand -base64 32)"`';
}
