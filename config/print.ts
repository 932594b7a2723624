import { Document, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Rule } from '../rules/settings.ts';
import type { Loaded } from './load.ts';
import { DEFAULT_ORIGIN, originText } from './problem.ts';

/** Paths of URLs often hold a token; who needs it reads the file. */
function maskUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.pathname + url.search === '/') return text;
  return `${url.origin}/… (hidden)`;
}

const MASKED = /^\/server\/(heartbeat|remoteWrite\/\d+)\/url$|^\/tickets\/destinations\/\d+\/url$/;

/** The configuration as YAML, each value with its origin behind it; as JSON with a map of origins. */
export function printConfig(loaded: Loaded, asJson: boolean): string {
  const config = masked(loaded.config, '') as object;
  if (asJson) {
    const origins = Object.fromEntries(
      [...loaded.origins].map(([pointer, origin]) => [pointer, originText(origin)]),
    );
    return `${JSON.stringify({ config, origins })}\n`;
  }
  const document = new Document(config);
  annotate(document.contents as Node | null, '', loaded);
  return document.toString({ lineWidth: 0 });
}

function masked(value: unknown, pointer: string): unknown {
  if (Array.isArray(value)) return value.map((entry, n) => masked(entry, `${pointer}/${n}`));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, masked(child, `${pointer}/${name}`)]),
    );
  }
  return typeof value === 'string' && MASKED.test(pointer) ? maskUrl(value) : value;
}

function annotate(node: Node | null, pointer: string, loaded: Loaded): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      annotate(pair.value as Node | null, `${pointer}/${name}`, loaded);
    }
  } else if (isSeq(node)) {
    for (const [n, entry] of node.items.entries()) {
      annotate(entry as Node | null, `${pointer}/${n}`, loaded);
    }
  } else if (node !== null) {
    node.comment = ` ${originText(loaded.origins.get(pointer) ?? DEFAULT_ORIGIN)}`;
  }
}

/** The rules as they will be applied, each with where it comes from. */
export function printRules(rules: readonly Rule[], loaded: Loaded): string {
  const document = new Document(rules);
  const changes = new Map(loaded.config.rules.map((change, n) => [change.id, n]));
  if (!isSeq(document.contents)) return '';
  for (const [n, entry] of document.contents.items.entries()) {
    const change = changes.get(rules[n]?.id ?? '');
    const origin = change === undefined ? undefined : loaded.origins.get(`/rules/${change}`);
    const from = origin === undefined ? 'default pack' : `changed or made at ${originText(origin)}`;
    (entry as Node).commentBefore = ` ${from}; durations in ms`;
  }
  return document.toString({ lineWidth: 100 });
}
