import type { AgentConfig } from '../../protocol/wire/agent-config.ts';

/**
 * What an agent remembers of its own: small, hand-readable, rewritten as a whole. `interfaces` is
 * kept per SNMP target by the probe that fills it; this port only stores it.
 */
export interface AgentDocument {
  agent?: string;
  config?: AgentConfig;
  etag?: string;
  interfaces: Record<string, unknown>;
}

export interface AgentDocumentStore {
  readonly document: AgentDocument;
  /** Says that `document` was changed; it is on disk a few seconds later, or after `flush`. */
  touch(): void;
  flush(): Promise<void>;
}
