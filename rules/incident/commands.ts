import type { Reason } from '../../protocol/model/alert.ts';
import type { Command } from '../../protocol/model/command.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { IncidentBook } from './incident-book.ts';

type PersonCommand = Exclude<
  Command,
  {
    kind:
      | 'server-started'
      | 'own-trouble'
      | 'own-trouble-over'
      | 'merge'
      | 'split'
      | 'not-the-cause';
  }
>;

/** What a person wants of one incident. Unknown or ended incidents are left as they are. */
export function obey(incidents: IncidentBook, command: PersonCommand, now: EpochMs): void {
  const incident = incidents.get(command.incident);
  const isOpen = incident?.state === 'open' || incident?.state === 'acknowledged';
  if (incident === undefined || !isOpen) return;
  const { by } = command;
  const note = 'note' in command && command.note !== undefined ? { note: command.note } : {};
  const because = (text: string): Reason => ({
    kind: 'person',
    by,
    text: `${by} ${text}${note.note === undefined ? '' : `: ${note.note}`}`,
  });
  switch (command.kind) {
    case 'acknowledge': {
      if (command.until <= now) return;
      const ack = { by, at: now, ...note, until: command.until };
      incidents.acknowledge(incident, ack, because('has taken it'));
      return;
    }
    case 'unacknowledge':
      if (incident.acknowledged === undefined && incident.takenOver === undefined) return;
      delete incident.takenOver;
      incidents.acknowledge(incident, undefined, because('has given it back'));
      return;
    case 'take-over':
      incident.takenOver = { by, at: now, ...note };
      incidents.touch(incident, because('works on it by hand'));
      return;
    case 'close':
      incidents.close(incident, now, because('closed it'));
      return;
  }
}

/** Acknowledgements that are over make their incidents loud again. */
export function expireAcknowledgements(incidents: IncidentBook, now: EpochMs): void {
  for (const incident of incidents.all()) {
    const ack = incident.acknowledged;
    if (incident.state !== 'acknowledged' || ack === undefined || ack.until > now) continue;
    const text = `the acknowledgement of ${ack.by} has expired`;
    incidents.acknowledge(incident, undefined, { kind: 'person', by: ack.by, text });
  }
}

/** When the next acknowledgement ends; undefined = there is none. */
export function nextExpiry(incidents: IncidentBook): EpochMs | undefined {
  const ends = incidents
    .all()
    .flatMap((incident) =>
      incident.state === 'acknowledged' && incident.acknowledged
        ? [incident.acknowledged.until]
        : [],
    );
  return ends.length === 0 ? undefined : epochMs(Math.min(...ends));
}
