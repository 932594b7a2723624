import { loadConfig } from '../config/load.ts';
import { serverOptions } from '../config/map.ts';
import { problemText } from '../config/problem.ts';

/** Where the running server is asked: given, or read from the configuration. */
export interface ServerChoice {
  readonly server?: string | undefined;
  readonly config?: string | undefined;
}

const REFUSED = 1;
const UNREACHABLE = 69;
const BAD_CONFIG = 78;
const PATIENCE_MS = 10_000;

/**
 * Asks the people's API of the running server; with a body it is a POST.
 * @param verb of the command, for the messages
 * @param path under `/api/v1`
 * @returns the answer as JSON; a number is the exit code, and why has been said
 */
export async function askServer<T extends object>(
  verb: string,
  choice: ServerChoice,
  path: string,
  body?: object,
): Promise<T | number> {
  const base = choice.server ?? (await pageAddress(choice.config));
  if (base === undefined) return BAD_CONFIG;
  const url = `${base.replace(/\/+$/, '')}/api/v1${path}`;
  let response: Response;
  let answer: T & { detail?: string };
  try {
    response = await fetch(url, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    answer = (await response.json()) as typeof answer;
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message || message : message;
    process.stderr.write(`vedette ${verb}: ${url}: ${why}. Is the server running?\n`);
    return UNREACHABLE;
  }
  if (response.ok) return answer;
  const { detail = `the server answered ${response.status}` } = answer;
  process.stderr.write(`vedette ${verb}: ${detail}\n`);
  return REFUSED;
}

async function pageAddress(config: string | undefined): Promise<string | undefined> {
  const loaded = await loadConfig(config, process.env);
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${problemText(problem)}\n`);
    return undefined;
  }
  const { address, port } = serverOptions(loaded.config).people;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
