import type {
  ChangesView,
  ForecastsView,
  RangeView,
  SeriesListView,
} from '../../../protocol/wire/views.ts';

/** A year of figures takes a second or two; who waits longer than this waits for nothing. */
const ANSWER_WITHIN_MS = 20_000;

const get = (what: string): Promise<Response> =>
  fetch(`/api/v1/${what}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });

/** Figures of one series; undefined when none are kept. @throws when the server does not answer. */
export async function fetchRange(
  series: string,
  from: number,
  to: number,
  step?: number,
): Promise<RangeView | undefined> {
  const query = new URLSearchParams({
    series,
    from: String(Math.floor(from)),
    to: String(Math.ceil(to)),
    ...(step !== undefined && { step: String(step) }),
  });
  const answer = await get(`range?${query}`);
  if (answer.status >= 500) throw new Error(`range: ${answer.status}`);
  return answer.ok ? ((await answer.json()) as RangeView) : undefined;
}

/** @throws when the server does not answer, or refuses. */
async function read<T>(path: string, query: Record<string, string>): Promise<T> {
  const answer = await get(`${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
}

const of = (subject: string | undefined) => (subject === undefined ? {} : { subject });

export const fetchSeries = (subject: string): Promise<SeriesListView> =>
  read('series', { subject, limit: '200' });

export const fetchChanges = (limit: number, subject?: string): Promise<ChangesView> =>
  read('changes', { limit: String(limit), ...of(subject) });

export const fetchForecasts = (subject?: string): Promise<ForecastsView> =>
  read('forecasts', of(subject));

/** A window with who announced it, as GET /api/v1/maintenance tells it. */
export interface WindowRow {
  readonly id: string;
  readonly name: string;
  readonly subjects: readonly string[];
  readonly from: number;
  readonly until: number;
  readonly source: 'configuration' | 'person';
  readonly by?: string;
}
export const fetchWindows = (): Promise<{ readonly windows: readonly WindowRow[] }> =>
  read('maintenance', {});
