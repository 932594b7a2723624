import type { EpochMs } from '../../protocol/model/units.ts';
import type { TicketMessage } from '../../protocol/wire/ticket-payload.ts';

/** A whole message of type `test`, shaped like a real one, so that a receiver's mapping can be tried. */
export function testMessage(now: EpochMs): TicketMessage {
  const at = new Date(now).toISOString();
  return {
    type: 'test',
    timestamp: at,
    data: {
      id: `test-${now}`,
      state: 'open',
      title: 'Test message from Vedette: nothing is broken',
      subject: 'site:test',
      severity: 'warning',
      impact: 'low',
      urgency: 'low',
      priority: 5,
      cause: 'a test by hand',
      confidence: 1,
      because: [{ kind: 'person', by: 'vedette tickets test', text: 'somebody tries the way' }],
      symptoms: [],
      users: 0,
      advice: ['Nothing to do: close this if it became a ticket.'],
      onsetAt: at,
      openedAt: at,
      text: 'This message shows that signed messages from Vedette arrive. Nothing is broken, and nothing needs to be done. If it became a ticket, the receiver does not look at "type": it should only open tickets for "incident.opened".',
    },
  };
}
