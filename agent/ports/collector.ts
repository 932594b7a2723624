import type { DurationMs } from '../../protocol/model/units.ts';
import type { BatchAck, Dictionary, Heartbeat } from '../../protocol/wire/batch.ts';
import type { ProblemCode } from '../../protocol/wire/problem.ts';

/** The collector's answer. Only `unreachable` means that nothing there heard us. */
export type Reply<T> =
  | { readonly kind: 'accepted'; readonly value: T }
  | {
      readonly kind: 'problem';
      readonly code: ProblemCode;
      readonly detail: string;
      /** sequence-gap: the next sequence the server wants. */
      readonly expected?: number;
      readonly retryAfter?: DurationMs;
    }
  | { readonly kind: 'unreachable'; readonly text: string };

export interface ConfigAnswer {
  readonly config: unknown;
  readonly etag: string;
}

/** The server as an agent sees it. No call throws; every call ends within its own time limit. */
export interface Collector {
  /** `body` is the zstd-compressed batch as spooled. */
  sendBatch(body: Uint8Array, oldest: number): Promise<Reply<BatchAck>>;
  sendDictionary(dictionary: Dictionary): Promise<Reply<undefined>>;
  sendHeartbeat(heartbeat: Heartbeat): Promise<Reply<undefined>>;
  /** Long poll: answers at once when the configuration is not `etag`; `unchanged` after `waitS`. */
  fetchConfig(
    etag: string | undefined,
    waitS: number,
    signal: AbortSignal,
  ): Promise<Reply<ConfigAnswer | 'unchanged'>>;
  /** Ends the calls under way as `unreachable`. */
  close(): void;
}
