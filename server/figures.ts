import type { Pipeline } from './pipeline.ts';
import type { OwnFigure, Readiness } from './ports/show.ts';
import type { Recent } from './recent.ts';

/** What keeps the server from doing its work, for /readyz. */
export function readinessOf(pipeline: Pipeline): readonly Readiness[] {
  const { stalledBy, isDraining, waiting } = pipeline.state();
  return [
    { name: 'store', isReady: stalledBy === undefined, detail: stalledBy ?? 'open' },
    {
      name: 'intake',
      isReady: !isDraining,
      detail: isDraining ? 'draining' : `${waiting} waiting`,
    },
  ];
}

/** Figures of pipeline, samples and tickets, for /metrics. */
export function* figuresOf(
  pipeline: Pipeline,
  recent: Recent,
  ticketsInFlight: () => number,
): Generator<OwnFigure> {
  const { applied, waiting, engineFailures, clockAhead, stalledBy } = pipeline.state();
  const { series, points } = recent.size();
  yield counter('inputs_applied_total', 'Position of the newest input that is judged', applied);
  yield gauge('inputs_waiting', 'Inputs that are taken and not yet judged', waiting);
  yield counter('engine_failures_total', 'Inputs on which the engine failed', engineFailures);
  yield gauge('store_stalled', '1 while nothing can be stored', stalledBy === undefined ? 0 : 1);
  yield {
    name: 'clock_ahead_seconds',
    help: 'Time of the log ahead of the clock that was set back',
    kind: 'gauge',
    unit: 'seconds',
    value: clockAhead / 1000,
  };
  yield counter('samples_total', 'Samples taken since the start', recent.samples());
  yield gauge('recent_series', 'Series whose newest samples are kept', series);
  yield gauge('recent_points', 'Samples kept for graphs', points);
  yield gauge('tickets_in_flight', 'Requests to ticket systems under way', ticketsInFlight());
}

const figure =
  (kind: OwnFigure['kind']) =>
  (name: string, help: string, value: number): OwnFigure => ({ name, help, kind, value });
const counter = figure('counter');
const gauge = figure('gauge');
