import { durationMs, seconds } from '../../protocol/model/units.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import { createWake } from '../poll/wake.ts';
import type { Clock } from '../ports/clock.ts';
import type { Collector } from '../ports/collector.ts';
import type { Log } from '../ports/log.ts';
import { nextWait } from './backoff.ts';
import { checkConfig } from './config-check.ts';
import { remedyFor } from './remedy.ts';

/** The server holds the answer back this long while nothing changes. */
const HOLD_S = 25;
const WAIT = { first: 500, most: 15_000 };
const SLOW_WAIT = { first: 15_000, most: 60_000 };
/** Between two answers, so that a server that does not hold them back is not asked in a circle. */
const AT_LEAST = 200;

/** Asks for the configuration by long poll until `stop`; `apply` gets only what the schema allows. */
export function startConfigPull(options: {
  readonly clock: Clock;
  readonly collector: Collector;
  readonly log: Log;
  readonly random: () => number;
  readonly etag: string | undefined;
  readonly apply: (config: AgentConfig, etag: string) => Promise<void>;
}): { stop(): Promise<void> } {
  const { clock, collector, log, random, apply } = options;
  const wake = createWake(clock);
  let { etag } = options;
  const stopping = new AbortController();
  let failures = 0;
  let said: string | undefined;

  /** Returns how long to wait before asking again, ms. */
  async function ask(): Promise<number> {
    const reply = await collector.fetchConfig(etag, HOLD_S, stopping.signal);
    if (stopping.signal.aborted) return 0;
    if (reply.kind === 'unreachable') {
      say(reply.text);
      return nextWait(failures++, WAIT, random());
    }
    if (reply.kind === 'problem') {
      say(`${reply.code}: ${reply.detail}`);
      const limits = remedyFor(reply.code) === 'person' ? SLOW_WAIT : WAIT;
      return nextWait(failures++, limits, random(), reply.retryAfter);
    }
    if (reply.value === 'unchanged') {
      failures = 0;
      said = undefined;
      return AT_LEAST;
    }
    const checked = checkConfig(reply.value.config);
    if (checked.kind === 'invalid') {
      say(`it does not follow the schema: ${checked.text}`);
      return nextWait(failures++, SLOW_WAIT, random());
    }
    await apply(checked.config, reply.value.etag);
    etag = reply.value.etag;
    failures = 0;
    said = undefined;
    return AT_LEAST;
  }

  function say(reason: string): void {
    if (reason === said) return;
    said = reason;
    log.warn({ reason }, 'no new configuration; the agent goes on with the one it has');
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let wait: number = seconds(5);
      try {
        wait = await ask();
      } catch (err) {
        log.error({ err }, 'the configuration could not be applied');
      }
      if (!stopping.signal.aborted) await wake.sleep(durationMs(wait));
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort(new Error('the agent is stopping'));
      wake.ring();
      await running;
    },
  };
}
