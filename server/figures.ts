import type { Pipeline } from './pipeline.ts';
import type { History } from './ports/history.ts';
import type { OwnFigure, Readiness } from './ports/show.ts';

/** What keeps the server from doing its work, for /readyz. */
export function readinessOf(pipeline: Pipeline, history: History): readonly Readiness[] {
  const { stalledBy, isDraining, waiting } = pipeline.state();
  const { stoppedBy } = history.state();
  return [
    { name: 'store', isReady: stalledBy === undefined, detail: stalledBy ?? 'open' },
    {
      name: 'intake',
      isReady: !isDraining,
      detail: isDraining ? 'draining' : `${waiting} waiting`,
    },
    // Detection, tickets and the page go on without it, so it takes nobody off the air.
    {
      name: 'history',
      isReady: true,
      detail: stoppedBy === undefined ? 'kept' : `STOPPED, samples are not kept: ${stoppedBy}`,
    },
  ];
}

/** Figures of pipeline, samples and tickets, for /metrics. */
export function* figuresOf(
  pipeline: Pipeline,
  history: History,
  ticketsInFlight: () => number,
): Generator<OwnFigure> {
  const { applied, waiting, engineFailures, clockAhead, stalledBy } = pipeline.state();
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
  yield* historyFigures(history);
  yield gauge('tickets_in_flight', 'Requests to ticket systems under way', ticketsInFlight());
}

function* historyFigures(history: History): Generator<OwnFigure> {
  const state = history.state();
  yield counter('samples_total', 'Samples taken since the start', state.takenSamples);
  yield gauge('history_series', 'Series on record', state.series);
  yield gauge('history_waiting_samples', 'Samples in memory, not sealed yet', state.waiting);
  yield counter('history_sealed_samples_total', 'Samples sealed', state.sealedSamples);
  yield counter('history_sealed_bytes_total', 'Bytes of the sealed chunks', state.sealedBytes);
  yield counter('history_repeated_samples_total', 'Samples that came again', state.repeatedSamples);
  yield counter(
    'history_refused_samples_total',
    'Samples of a time to come, or older than samples are kept',
    state.refusedSamples,
  );
  yield counter(
    'history_lost_samples_total',
    'Samples given up because nothing could be sealed',
    state.lostSamples,
  );
  yield counter('history_corrupt_chunks_total', 'Damaged chunks met', state.corruptChunks);
  const isStopped = state.stoppedBy === undefined ? 0 : 1;
  yield gauge('history_stopped', '1 while samples are judged but not kept', isStopped);
}

const figure =
  (kind: OwnFigure['kind']) =>
  (name: string, help: string, value: number): OwnFigure => ({ name, help, kind, value });
const counter = figure('counter');
const gauge = figure('gauge');
