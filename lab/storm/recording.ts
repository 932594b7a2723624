import type { Lane, Sample } from '../../protocol/model/sample.ts';
import type { Listener } from './run.ts';

/** Takes down what a listener hears, as lines that `vedette replay` reads. */
export interface Recording {
  readonly listener: Listener;
  readonly lines: readonly string[];
}

const line = (value: object): string => JSON.stringify(value);

/** JSON numbers stop at 2^53, so counters are decimal strings. */
function sampleLine({ series, at, value }: Sample, receivedAt: number, lane: Lane): string {
  const exact = typeof value === 'bigint' ? value.toString() : value;
  return line({ at, ...series, receivedAt, value: exact, ...(lane === 'live' ? {} : { lane }) });
}

/**
 * Between a storm and its listener. `settings` is the configuration that the listener puts in force
 * after its first tick; it becomes the second line.
 */
export function record(listener: Listener, settings: unknown): Recording {
  const lines: string[] = [];
  return {
    lines,
    listener: {
      heard(agent, samples, at, lane) {
        if (samples.length === 0) lines.push(line({ at, heartbeat: agent }));
        for (const sample of samples) lines.push(sampleLine(sample, at, lane));
        return listener.heard(agent, samples, at, lane);
      },
      tick(at) {
        const isFirst = lines.length === 0;
        lines.push(line({ at, tick: true }));
        if (isFirst) lines.push(line({ at, config: settings }));
        return listener.tick(at);
      },
    },
  };
}
