import type { Command } from '../../protocol/model/command.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { IncidentBook } from './incident-book.ts';

type PersonCommand = Exclude<Command, { kind: 'server-started' }>;

/** What a person wants of one incident. Unknown or ended incidents are left as they are. */
export function obey(incidents: IncidentBook, command: PersonCommand, now: EpochMs): void {
  const incident = incidents.get(command.incident);
  const isOpen = incident?.state === 'open' || incident?.state === 'acknowledged';
  if (incident === undefined || !isOpen) return;
  const { by } = command;
  switch (command.kind) {
    case 'acknowledge': {
      if (command.until <= now) return;
      const note = command.note === undefined ? {} : { note: command.note };
      const text = `${by} has taken it${command.note === undefined ? '' : `: ${command.note}`}`;
      const ack = { by, at: now, ...note, until: command.until };
      incidents.acknowledge(incident, ack, { kind: 'person', by, text });
      return;
    }
    case 'unacknowledge': {
      if (incident.acknowledged === undefined) return;
      const text = `${by} has given it back`;
      incidents.acknowledge(incident, undefined, { kind: 'person', by, text });
      return;
    }
    case 'close': {
      const text = `${by} closed it${command.note === undefined ? '' : `: ${command.note}`}`;
      incidents.close(incident, now, { kind: 'person', by, text });
      return;
    }
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
