import type { DurationMs } from '../protocol/model/units.ts';

export interface DeadManOptions {
  readonly url: string;
  readonly every: DurationMs;
  /** Grows as long as inputs are judged: a process that lives but does no work must be missed too. */
  readonly progress: () => number;
  readonly post: (
    url: string,
    signal: AbortSignal,
  ) => Promise<{ readonly ok: boolean; readonly status: number }>;
  readonly log: { warn(fields: object, sentence: string): void };
}

/** Tells an outside watcher at regular intervals that the watch goes on. */
export function startDeadMan({ url, every, progress, post, log }: DeadManOptions): {
  stop(): void;
} {
  // The first one goes out at the start: what was replayed is progress too.
  let last = -1;
  const abort = new AbortController();
  const timer = setInterval(beat, every);
  void beat();

  async function beat(): Promise<void> {
    const now = progress();
    if (now === last) {
      log.warn({ position: now }, 'nothing was judged since the last heartbeat: none is sent');
      return;
    }
    last = now;
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(Math.min(every, 10_000))]);
    try {
      const { ok, status } = await post(url, signal);
      if (!ok) log.warn({ status }, 'the outside watcher refused our heartbeat');
    } catch (err) {
      if (!abort.signal.aborted) log.warn({ err }, 'the outside watcher cannot be reached');
    }
  }

  return {
    stop() {
      clearInterval(timer);
      abort.abort();
    },
  };
}
