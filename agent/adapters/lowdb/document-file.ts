import { readFileSync, renameSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Adapter, Low } from 'lowdb';
import type { AgentConfig } from '../../../protocol/wire/agent-config.ts';
import type { AgentDocument, AgentDocumentStore } from '../../ports/document.ts';
import type { Log } from '../../ports/log.ts';
import { type SealedCredentials, sealCredentials, unsealCredentials } from './credential-seal.ts';

/** agent.json as it lies on disk: the credentials of the configuration are sealed. */
interface StoredDocument {
  v: 1;
  agent?: string;
  etag?: string;
  config?: Omit<AgentConfig, 'credentials'>;
  credentials?: SealedCredentials;
  interfaces: Record<string, unknown>;
}

export interface DocumentFileOptions {
  /** Its folder is there already. */
  readonly path: string;
  /** Key material for the credentials. */
  readonly secret: string;
  readonly log: Log;
  /** How long changes are collected before they are written, ms. */
  readonly writeAfter?: number;
}

/** Opens agent.json. A damaged one is moved aside with a message: the server knows everything in it. */
export async function openDocumentFile(options: DocumentFileOptions): Promise<AgentDocumentStore> {
  const { path, secret, log, writeAfter = 3_000 } = options;
  const low = new Low<StoredDocument>(durableAdapter(path, log), { v: 1, interfaces: {} });
  await low.read();
  const document = unstore(low.data, secret, log);
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      low.data = store(document, secret);
      await low.write();
    });
    writing = writing.catch((err: unknown) =>
      log.error({ err, path }, 'agent.json was not written'),
    );
    return writing;
  }

  return {
    document,
    touch() {
      timer ??= setTimeout(write, writeAfter).unref();
    },
    flush: () => (timer === undefined ? writing : write()),
  };
}

function store(document: AgentDocument, secret: string): StoredDocument {
  const { agent, etag, interfaces } = document;
  const stored: StoredDocument = { v: 1, interfaces };
  if (agent !== undefined) stored.agent = agent;
  if (etag !== undefined) stored.etag = etag;
  if (document.config === undefined) return stored;
  const { credentials, ...config } = document.config;
  // A confirmation is of the moment; after a restart it would be a burst for nothing.
  stored.config = { ...config, confirm: [] };
  stored.credentials = sealCredentials(credentials, secret);
  return stored;
}

function unstore(stored: StoredDocument, secret: string, log: Log): AgentDocument {
  const document: AgentDocument = { interfaces: stored.interfaces };
  if (stored.agent !== undefined) document.agent = stored.agent;
  if (stored.config === undefined || stored.credentials === undefined) return document;
  const credentials = unsealCredentials(stored.credentials, secret);
  if (credentials === undefined) {
    log.warn(
      {},
      'the credentials in agent.json are sealed with another key (VEDETTE_AGENT_KEY or token); SNMP waits for the server',
    );
  } else if (stored.etag !== undefined) {
    document.etag = stored.etag;
  }
  document.config = { ...stored.config, credentials: credentials ?? {} };
  return document;
}

/** Written to a draft, synced, renamed: the file is the old document or the new one, mode 0600. */
function durableAdapter(path: string, log: Log): Adapter<StoredDocument> {
  return {
    async read() {
      const text = readOrUndefined(path);
      if (text === undefined) return null;
      const stored = parseDocument(text);
      if (stored === undefined) {
        const aside = `${path}.damaged-${Date.now()}`;
        renameSync(path, aside);
        log.error(
          { aside },
          'agent.json was damaged and is moved aside; the agent asks the server for its configuration',
        );
        return null;
      }
      return stored;
    },
    async write(stored) {
      const draft = `${path}.new`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.chmod(0o600);
        await file.writeFile(`${JSON.stringify(stored, undefined, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      await syncFolder(dirname(path));
    },
  };
}

/** Windows cannot open a folder; its file system's journal has to do there. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
}

function parseDocument(text: string): StoredDocument | undefined {
  try {
    const value = JSON.parse(text) as StoredDocument | null;
    const isSound =
      value?.v === 1 && typeof value.interfaces === 'object' && value.interfaces !== null;
    return isSound ? value : undefined;
  } catch {
    return undefined;
  }
}
