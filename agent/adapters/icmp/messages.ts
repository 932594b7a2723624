import type { Unsent } from '../../ports/echo.ts';
import type { Transport } from './open-socket.ts';

/** What main and worker say to each other: once per round or rarer, never per packet. */

/** A round as ordered; `key` is main's name for it. Durations in ms. */
export interface RoundOrder {
  readonly key: number;
  readonly kind: 'icmp' | 'stamp';
  readonly address: string;
  readonly port: number;
  readonly source?: string;
  readonly dscp?: number;
  readonly count: number;
  readonly spacing: number;
  readonly timeout: number;
  readonly suspectAfter?: number;
}

export interface ReflectorOrder {
  readonly key: number;
  readonly address: string;
  readonly port: number;
  readonly peers: readonly string[];
}

export type ToWorker =
  | { readonly say: 'measure'; readonly rounds: readonly RoundOrder[] }
  | { readonly say: 'reflect'; readonly order: ReflectorOrder }
  | { readonly say: 'stop-reflecting'; readonly key: number }
  | { readonly say: 'close' };

/** Which sockets the system gives us for ICMP; a number is the errno of the refusal. */
export interface IcmpModes {
  readonly v4: Extract<Transport, 'raw' | 'datagram'> | number;
  readonly v6: Extract<Transport, 'raw' | 'datagram'> | number;
}

/** What is said of few rounds only, beside the figures. */
export interface RoundRemark {
  readonly key: number;
  readonly unsent?: Unsent;
  readonly unreachableFrom?: string;
}

export type FromWorker =
  | { readonly say: 'ready'; readonly modes: IcmpModes; readonly wakeFd: number }
  | { readonly say: 'unable'; readonly because: string }
  | {
      readonly say: 'rounds';
      /** For each round: key, startedAt, sent, columns; then `columns` times `sent` figures. */
      readonly figures: Float64Array;
      readonly remarks: readonly RoundRemark[];
    }
  | { readonly say: 'suspects'; readonly keys: readonly number[] }
  | { readonly say: 'reflecting'; readonly key: number; readonly port: number }
  | { readonly say: 'not-reflecting'; readonly key: number; readonly because: string };

/** Numbers in front of each round's figures. */
export const FIGURES_HEADER = 4;
