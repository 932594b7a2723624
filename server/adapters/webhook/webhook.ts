import type { EpochMs } from '../../../protocol/model/units.ts';
import type { Delivery, DeliveryOutcome } from '../../ports/delivery.ts';
import { refusalOf } from './address.ts';
import { outcomeOf, type Pointers } from './answer.ts';
import { createPoster } from './post.ts';
import { parseSecret, signature } from './sign.ts';

interface WebhookEndpoint extends Pointers {
  readonly id: string;
  readonly url: string;
  /** `whsec_…`, newest first; several while the receiver changes its secret. */
  readonly secrets: readonly string[];
  /** Plain http:// beyond loopback. */
  readonly plainHttp?: boolean;
}

export interface WebhookOptions {
  readonly endpoints: readonly WebhookEndpoint[];
  readonly clock: { now(): EpochMs };
  /** For one whole exchange. Default 15 s. */
  readonly timeoutMs?: number;
}

/** Sends messages by the Standard Webhooks scheme. Throws at once when a secret is malformed. */
export function createWebhookDelivery(options: WebhookOptions): Delivery & { close(): void } {
  const { clock, timeoutMs = 15_000 } = options;
  const poster = createPoster(timeoutMs);
  const endpoints = new Map(
    options.endpoints.map((endpoint) => [
      endpoint.id,
      { endpoint, keys: endpoint.secrets.map(parseSecret) },
    ]),
  );

  const deliver: Delivery['deliver'] = async (destination, messageId, message, signal) => {
    const known = endpoints.get(destination);
    if (known === undefined) {
      return { kind: 'refused', answer: `destination ${destination} is not configured` };
    }
    const { endpoint, keys } = known;
    const refusal = refusalOf(endpoint.url, endpoint.plainHttp ?? false);
    if (refusal !== undefined) return { kind: 'refused', answer: refusal };
    const body = JSON.stringify(message);
    const timestamp = Math.floor(clock.now() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'vedette',
      'webhook-id': messageId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature(keys, messageId, timestamp, body),
    };
    try {
      const answer = await poster.post(endpoint.url, headers, body, signal);
      return outcomeOf(answer, endpoint, clock.now());
    } catch (error) {
      return { kind: 'later', scope: 'destination', answer: reasonOf(error, timeoutMs) };
    }
  };
  return { deliver, close: poster.close };
}

/** Words for what people meet most; the system's own text otherwise. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (connection refused)',
  ENOTFOUND: 'the name is unknown (DNS)',
  EAI_AGAIN: 'the name could not be looked up (DNS does not answer)',
  EHOSTUNREACH: 'no way to that address (host unreachable)',
  ENETUNREACH: 'no way to that network',
  ECONNRESET: 'the connection was cut before the answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed (set NODE_EXTRA_CA_CERTS)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted (set NODE_EXTRA_CA_CERTS)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

function reasonOf(error: unknown, timeoutMs: number): DeliveryOutcome['answer'] {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  if (error.name === 'AbortError') return 'interrupted: the server is stopping';
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return REASONS[code] ?? (error.message || code);
}
