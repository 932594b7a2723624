import type { AlertKey } from './alert.ts';
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
      /** A person works on it by hand: the engine goes on watching and no longer resolves it. */
      readonly kind: 'take-over';
      readonly incident: IncidentId;
      readonly by: string;
      readonly note?: string;
    }
  | {
      /** These are one trouble: `incident` is absorbed by `into`. The engine never parts them. */
      readonly kind: 'merge';
      readonly incident: IncidentId;
      readonly into: IncidentId;
      readonly by: string;
      readonly note?: string;
    }
  | {
      /** The alert is a trouble of its own: it leaves the incident and is never put back by the engine. */
      readonly kind: 'split';
      readonly incident: IncidentId;
      readonly alert: AlertKey;
      readonly by: string;
      readonly note?: string;
    }
  | {
      /** The suspected root is wrong: another is sought, and this one is not proposed again. */
      readonly kind: 'not-the-cause';
      readonly incident: IncidentId;
      readonly alert: AlertKey;
      readonly by: string;
      readonly note?: string;
    }
  | {
      /** The collector was away; silence during that time says nothing about agents. */
      readonly kind: 'server-started';
    }
  | {
      /** Something keeps the server itself from part of its work; told again, it changes nothing. */
      readonly kind: 'own-trouble';
      readonly trouble: OwnTroubleKind;
      readonly since: EpochMs;
      readonly text: string;
    }
  | {
      readonly kind: 'own-trouble-over';
      readonly trouble: OwnTroubleKind;
      readonly text: string;
    };

export type OwnTroubleKind = 'history-stopped';
