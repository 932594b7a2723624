import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import type { Reflector } from '../ports/echo.ts';
import type { Log } from '../ports/log.ts';

type ReflectorConfig = NonNullable<AgentConfig['reflector']>;

export type OpenReflector = (config: ReflectorConfig) => Promise<Reflector>;

/** The STAMP reflector of the current configuration; opened anew only when it changes. */
export interface ReflectorKeeper {
  apply(config: ReflectorConfig | undefined): Promise<void>;
  /** Why it does not answer though it should; undefined when all is well. */
  trouble(): string | undefined;
  close(): Promise<void>;
}

export function createReflectorKeeper(open: OpenReflector, log: Log): ReflectorKeeper {
  let current: Reflector | undefined;
  let print: string | undefined;
  let trouble: string | undefined;

  async function close(): Promise<void> {
    await current?.close();
    current = undefined;
  }

  return {
    async apply(config) {
      const wanted = config === undefined ? undefined : JSON.stringify(config);
      // One that could not be opened is tried again with every configuration.
      if (wanted === print && trouble === undefined) return;
      print = wanted;
      trouble = undefined;
      await close();
      if (config === undefined) return;
      try {
        current = await open(config);
        log.info({ port: current.port, peers: config.peers.length }, 'STAMP reflector open');
      } catch (err) {
        trouble = `the STAMP reflector is closed: ${(err as Error).message}`;
        log.error({ err }, 'the STAMP reflector could not be opened');
      }
    },
    trouble: () => trouble,
    close,
  };
}
