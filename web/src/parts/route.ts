import { signal } from '@preact/signals';

export interface Route {
  readonly view: 'now' | 'sites' | 'changes' | 'agents' | 'incidents';
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

const VIEWS = ['now', 'sites', 'changes', 'agents', 'incidents'] as const;

/** `#/view/id?filter`: a link from a ticket opens the same view for everybody. */
function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [word = 'now', id] = path.split('/');
  const view = VIEWS.find((known) => known === word) ?? 'now';
  return { view, id: id ? decoded(id) : undefined, query: new URLSearchParams(search) };
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export const route = signal<Route>(parse(location.hash));

addEventListener('hashchange', () => {
  const next = parse(location.hash);
  const isOther = next.view !== route.peek().view || next.id !== route.peek().id;
  route.value = next;
  if (isOther) scrollTo(0, 0);
});

export const incidentHref = (id: string): string => `#/incidents/${encodeURIComponent(id)}`;
export const siteHref = (id: string): string => `#/sites/${encodeURIComponent(id)}`;
export const go = (hash: string): void => {
  location.hash = hash;
};

/** Puts one filter into the address without a new entry in the history. */
export function filterBy(name: string, value: string): void {
  const { view, id, query } = route.peek();
  const next = new URLSearchParams(query);
  if (value === '') next.delete(name);
  else next.set(name, value);
  const search = next.size === 0 ? '' : `?${next}`;
  history.replaceState(null, '', `#/${view}${id === undefined ? '' : `/${id}`}${search}`);
  route.value = { view, id, query: next };
}
