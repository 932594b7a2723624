import type { StatusChange, StatusView } from '../../../protocol/wire/views.ts';

/** What a page hears, at most once a second. */
export type FeedMessage =
  /** `ageMs`: since the server was heard last, for a page that joins late. */
  | { readonly kind: 'snapshot'; readonly status: StatusView; readonly ageMs?: number }
  | { readonly kind: 'change'; readonly change: StatusChange };

export interface Feed {
  /** The whole state as known, for a page that joins late. */
  readonly status: StatusView | undefined;
  /** Since the server was heard last. */
  readonly ageMs: number;
  close(): void;
}

const GATHER_MS = 1_000;

/**
 * One EventSource; changes are gathered, so that the page works once a second however fast they
 * come. The browser reconnects by itself and sends the last id; after a fatal answer we do.
 */
export function openFeed(tell: (message: FeedMessage) => void): Feed {
  let source: EventSource | undefined;
  let status: StatusView | undefined;
  let pending: StatusChange | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let heardAt = performance.now();
  const gathering = setInterval(flush, GATHER_MS);
  connect();

  return {
    get status() {
      return status;
    },
    get ageMs() {
      return performance.now() - heardAt;
    },
    close() {
      isClosed = true;
      clearInterval(gathering);
      clearTimeout(retry);
      source?.close();
    },
  };

  function connect(): void {
    if (isClosed) return;
    source = new EventSource('/api/v1/stream');
    source.addEventListener('snapshot', (event) => {
      status = JSON.parse(event.data) as StatusView;
      heardAt = performance.now();
      pending = undefined;
      tell({ kind: 'snapshot', status });
    });
    source.addEventListener('change', (event) => {
      heardAt = performance.now();
      pending = merge(pending, JSON.parse(event.data) as StatusChange);
    });
    source.addEventListener('error', () => {
      // CLOSED: the browser has given up (an error status); CONNECTING: it is trying already.
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, 3_000);
    });
  }

  function flush(): void {
    if (pending === undefined) return;
    const change = pending;
    pending = undefined;
    if (status !== undefined) status = applied(status, change);
    tell({ kind: 'change', change });
  }
}

type Row = { readonly id: string };

/** The newer change wins, row by row. */
function merge(old: StatusChange | undefined, next: StatusChange): StatusChange {
  if (old === undefined) return next;
  const removed = [...(old.removedIncidents ?? []), ...(next.removedIncidents ?? [])];
  return {
    now: next.now,
    incidents: over(old.incidents, next.incidents).filter((one) => !removed.includes(one.id)),
    removedIncidents: removed.filter((id) => !next.incidents?.some((one) => one.id === id)),
    sites: over(old.sites, next.sites),
    links: over(old.links, next.links),
    agents: over(old.agents, next.agents),
    services: over(old.services, next.services),
    ...newest('maintenance', next.maintenance ?? old.maintenance),
    ...newest('own', next.own ?? old.own),
  };
}

function applied(status: StatusView, change: StatusChange): StatusView {
  const removed = new Set(change.removedIncidents);
  return {
    ...status,
    now: change.now,
    incidents: over(status.incidents, change.incidents).filter((one) => !removed.has(one.id)),
    sites: over(status.sites, change.sites),
    links: over(status.links, change.links),
    agents: over(status.agents, change.agents),
    services: over(status.services, change.services),
    ...newest('maintenance', change.maintenance),
    ...newest('own', change.own),
  };
}

function over<T extends Row>(old: readonly T[] = [], next: readonly T[] = []): readonly T[] {
  if (next.length === 0) return old;
  if (old.length === 0) return next;
  const rows = new Map(old.map((row) => [row.id, row]));
  for (const row of next) rows.set(row.id, row);
  return [...rows.values()];
}

/** Lists that come whole; a change without one says nothing about it. */
function newest<K extends string, T>(
  key: K,
  list: readonly T[] | undefined,
): { [P in K]?: readonly T[] } {
  return list === undefined ? {} : ({ [key]: list } as { [P in K]: readonly T[] });
}
