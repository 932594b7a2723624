import { subjectKey } from '../../protocol/model/subject.ts';
import { seconds } from '../../protocol/model/units.ts';
import type { SubmitReport } from '../poll/report.ts';
import type { PollSample } from '../poll/snmp/snmp-samples.ts';
import type { CancelTimer, Clock } from '../ports/clock.ts';
import type { SpoolFigures } from '../ports/spool.ts';

const EVERY = seconds(30);

/** The agent's own figures as samples about itself, so that they have a history: lag, spool, drops. */
export function startSelfReports(options: {
  readonly clock: Clock;
  readonly agent: () => string | undefined;
  readonly figures: () => SpoolFigures;
  /** Worst lateness of a poll since the last call, ms. */
  readonly takeLag: () => number;
  readonly submit: SubmitReport;
}): { stop(): void } {
  const { clock, agent, figures, takeLag, submit } = options;
  let cancel: CancelTimer = clock.after(EVERY, report);

  function report(): void {
    cancel = clock.after(EVERY, report);
    const id = agent();
    if (id === undefined) return;
    const { samples, dropped } = figures();
    const shared = { subject: subjectKey('agent', id), at: clock.now(), every: EVERY };
    const own: PollSample[] = [
      { ...shared, metric: 'agent_lag_ms', value: Math.round(takeLag() * 1000) / 1000 },
      { ...shared, metric: 'agent_spool_samples', value: samples },
      { ...shared, metric: 'agent_dropped_total', value: BigInt(dropped), bits: 64 },
    ];
    submit({ samples: own });
  }

  return { stop: () => cancel() };
}
