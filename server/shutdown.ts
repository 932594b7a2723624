/** The part of pino that is used here. */
export interface ShutdownLog {
  error(fields: object, sentence: string): void;
}

/** Everything that starts also stops: by name, in reverse order, each with what is left of the time. */
export interface Shutdown {
  add(name: string, stop: () => Promise<void> | void): void;
  /** Never rejects; a step that fails or takes too long is named in the log. */
  run(withinMs: number): Promise<void>;
}

export function createShutdown(log: ShutdownLog): Shutdown {
  const steps: Array<{ readonly name: string; readonly stop: () => Promise<void> | void }> = [];
  return {
    add(name, stop) {
      steps.push({ name, stop });
    },
    async run(withinMs) {
      const until = performance.now() + withinMs;
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        const { name, stop } = step;
        try {
          await inTime(Promise.resolve(stop()), Math.max(100, until - performance.now()));
        } catch (err) {
          log.error({ err, step: name }, 'a step of the shutdown failed');
        }
      }
    },
  };
}

async function inTime(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${Math.round(ms)} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
