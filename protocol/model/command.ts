import type { IncidentId } from './incident.ts';
import type { EpochMs } from './units.ts';

/** What a person (or the shell) tells the engine; an input like any other, logged before it acts. */
export type Command =
  | {
      readonly kind: 'acknowledge';
      readonly incident: IncidentId;
      readonly by: string;
      readonly note?: string;
      readonly until: EpochMs;
    }
  | { readonly kind: 'unacknowledge'; readonly incident: IncidentId; readonly by: string }
  | {
      readonly kind: 'close';
      readonly incident: IncidentId;
      readonly by: string;
      readonly note?: string;
    }
  | {
      /** The collector was away; silence during that time says nothing about agents. */
      readonly kind: 'server-started';
    };
