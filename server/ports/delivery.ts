import type { DurationMs } from '../../protocol/model/units.ts';
import type { TicketMessage } from '../../protocol/wire/ticket-payload.ts';

/** What became of one attempt; `answer` is in plain words, for the ticket view and the log. */
export type DeliveryOutcome =
  | {
      readonly kind: 'delivered';
      readonly answer: string;
      /** Ticket number and address in the outside system, when the answer holds them. */
      readonly number?: string;
      readonly url?: string;
    }
  | {
      /** Try again. `destination`: it does not answer or asks for a rest, so others need not try now. */
      readonly kind: 'later';
      readonly scope: 'message' | 'destination';
      readonly answer: string;
      /** As the destination asked (Retry-After). */
      readonly retryAfter?: DurationMs;
    }
  | { readonly kind: 'refused'; readonly answer: string }
  | { readonly kind: 'unauthorised'; readonly answer: string }
  | { readonly kind: 'gone'; readonly answer: string };

/** Carries one message to one incident system. Resolves for every outcome; never throws for an answer. */
export interface Delivery {
  deliver(
    destination: string,
    messageId: string,
    message: TicketMessage,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome>;
}
