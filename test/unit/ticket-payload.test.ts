import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES, ticketMessage } from '../../server/ticket/payload.ts';
import { clip, durationText, plain } from '../../server/ticket/words.ts';
import { at, fact, WAN } from '../support/ticket-facts.ts';

const CONTEXT = { inventory: WAN, publicUrl: 'https://noc.example.com' };

describe('the text of a ticket', () => {
  test('an opening tells at 3 a.m. all that a resolver needs, in this order', () => {
    const telling = { type: 'incident.opened', fact: fact('incident.opened', 0) } as const;
    expect(ticketMessage(telling, CONTEXT).data.text).toMatchInlineSnapshot(`
      "Lyon is cut off: link Lyon MPLS does not answer

      What is broken: link Lyon MPLS (Orange, circuit FT-4711-LYO), site Lyon. Outage.
      Suspected cause: circuit down, 90 % sure.
      Since: 2026-01-05 09:14:02 UTC; noticed 28 s later.
      Who suffers: 142 people at Lyon. Priority 1 (impact high, urgency high).

      What was seen:
      - 10 of 10 STAMP packets from hub-a lost at 09:14:04, after 5 of 5 in the round before.

      What this explains:
      - Device lyon-r1 (10.1.0.1): no SNMP answer since 09:14:10, reached through this link.

      What speaks against it:
      - Nothing that we can see.

      Do first:
      1. Call Orange and give circuit FT-4711-LYO; ask whether the last mile in Lyon is down.
      2. Ask somebody on site whether the router has power and its WAN port a light.

      Live view, graph and time line: https://noc.example.com/#/incidents/i-42
      Vedette incident i-42. The ticket is resolved by itself once the trouble has gone."
    `);
  });

  test('a resolution says since when, how long it was, and that nothing is left to do', () => {
    const over = fact(
      'incident.resolved',
      900,
      { state: 'resolved', resolvedAt: at(900) },
      { because: [{ kind: 'cleared', text: 'no packet lost for 60 s' }] },
    );
    const telling = { type: 'incident.resolved', fact: over } as const;
    expect(ticketMessage(telling, CONTEXT).data.text).toMatchInlineSnapshot(`
      "Resolved: Lyon is cut off: link Lyon MPLS does not answer
      Normal again 2026-01-05 09:29:30 UTC; it lasted 15 min. There is nothing left to do.

      Why:
      - No packet lost for 60 s.

      What was broken: link Lyon MPLS (Orange, circuit FT-4711-LYO), site Lyon. Outage.
      Suspected cause: circuit down, 90 % sure.
      Since: 2026-01-05 09:14:02 UTC; noticed 28 s later.
      Who suffered: 142 people at Lyon. Priority 1 (impact high, urgency high).

      What was seen:
      - 10 of 10 STAMP packets from hub-a lost at 09:14:04, after 5 of 5 in the round before.

      What this explains:
      - Device lyon-r1 (10.1.0.1): no SNMP answer since 09:14:10, reached through this link.

      Live view, graph and time line: https://noc.example.com/#/incidents/i-42
      Vedette incident i-42. Should it come back soon, this ticket is reopened."
    `);
  });

  test('nothing is said twice: the opening repeats its evidence, the end its own reason', () => {
    const { view } = fact('incident.resolved', 900);
    const said = view.root.because[0]!;
    const because = [
      said,
      { ...said, text: `opened: ${said.text}` },
      { kind: 'cleared', text: 'it answers again' },
    ] as const;
    const over = fact('incident.resolved', 900, { because }, { because: because.slice(2) });
    const { text } = ticketMessage({ type: 'incident.resolved', fact: over }, CONTEXT).data;
    expect(text.match(/10 of 10 STAMP packets/g)).toHaveLength(1);
    expect(text.match(/answers again/g)).toHaveLength(1);
  });

  test('an acknowledgement names the person, the end and the note', () => {
    const acknowledged = { by: 'ada', at: at(60), until: at(3660), note: 'calling Orange' };
    const taken = fact('incident.acknowledged', 60, { state: 'acknowledged', acknowledged });
    const { text } = ticketMessage({ type: 'incident.acknowledged', fact: taken }, CONTEXT).data;
    expect(text.split('\n').slice(0, 2)).toEqual([
      'ada has it, until 2026-01-05 10:15:30 UTC.',
      'Note: Calling Orange.',
    ]);
  });

  test('an update begins with what changed', () => {
    const changed = fact(
      'incident.updated',
      60,
      {},
      { because: [{ kind: 'configuration', text: 'priority raised from 2 to 1' }] },
    );
    const { text } = ticketMessage({ type: 'incident.updated', fact: changed }, CONTEXT).data;
    expect(text).toMatch(/^What changed:\n- Priority raised from 2 to 1\.\n/);
  });

  test('doubt is said aloud: low confidence, blindness, symptoms that went first', () => {
    const base = fact('incident.opened', 0);
    const doubtful = fact('incident.opened', 0, {
      root: { ...base.view.root, confidence: 0.4 },
      blindSince: at(-5),
      symptoms: base.view.symptoms.map((symptom) => ({ ...symptom, clearedAt: at(-1) })),
      because: [{ kind: 'no-data', since: at(-5), text: 'agent lyon-a has been silent' }],
    });
    const { text } = ticketMessage({ type: 'incident.opened', fact: doubtful }, CONTEXT).data;
    expect(text).toContain('Blind since 2026-01-05 09:14:25 UTC');
    const doubts = text.slice(text.indexOf('What speaks against it'), text.indexOf('Do first'));
    expect(doubts).toContain('- Agent lyon-a has been silent.');
    expect(doubts).toContain('only a guess (40 % sure)');
    expect(doubts).toContain('normal again though the suspected cause is not');
  });

  test('without a public address there is no link, and what is not in the inventory has its id', () => {
    const foreign = fact('incident.opened', 0, { subject: 'link:other', users: 0 });
    const { site: _, ...view } = foreign.view;
    const telling = { type: 'incident.opened', fact: { ...foreign, view } } as const;
    const { data } = ticketMessage(telling, { inventory: WAN });
    expect(data.url).toBeUndefined();
    expect(data.site).toBeUndefined();
    expect(data.text).toContain('What is broken: link other.');
    expect(data.text).not.toContain('http');
  });
});

describe('bounds', () => {
  test('symptoms that the incident itself only counts are counted in text and data', () => {
    const base = fact('incident.opened', 0).view;
    const huge = fact('incident.opened', 0, {
      symptoms: Array.from({ length: 100 }, (_, n) => ({
        ...base.symptoms[0]!,
        subject: `device:d${n}`,
      })),
      moreSymptoms: { count: 4_900, cleared: 0 },
    });
    const { data } = ticketMessage({ type: 'incident.opened', fact: huge }, CONTEXT);
    expect(data.symptoms.length + (data.moreSymptoms ?? 0)).toBe(5_000);
    expect(data.text).toMatch(/and 4,?9\d\d more/);
  });

  test('a hundred sites with hostile names fit into 20 kB, and the text says what was cut', () => {
    const nasty = '\u202e💥"\\\u0000\n'.repeat(60);
    const base = fact('incident.opened', 0).view;
    const huge = fact('incident.opened', 0, {
      title: nasty,
      symptoms: Array.from({ length: 500 }, (_, n) => ({
        ...base.symptoms[0]!,
        subject: `device:d${n}`,
        because: { kind: 'cleared', text: `${n} ${nasty}` },
      })),
      advice: Array.from({ length: 50 }, () => nasty),
      because: Array.from({ length: 200 }, (_, n) => ({ kind: 'cleared', text: `${n} ${nasty}` })),
    });
    const message = ticketMessage({ type: 'incident.opened', fact: huge }, CONTEXT);
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(MAX_BODY_BYTES);
    expect(message.data.text).toMatch(/and \d+ more, listed on the page|Cut here/);
    expect(message.data.title).not.toContain('\n');
    expect(JSON.stringify(message)).not.toContain('\\u202e');
  });

  test('any words fit, stay on their lines and are well-formed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 600 }), { maxLength: 60 }),
        (words) => {
          const view = fact('incident.opened', 0, {
            title: words[0] ?? 'x',
            advice: words,
            because: words.map((text) => ({ kind: 'cleared', text })),
          });
          const message = ticketMessage({ type: 'incident.opened', fact: view }, CONTEXT);
          const json = JSON.stringify(message);
          expect(Buffer.byteLength(json)).toBeLessThan(MAX_BODY_BYTES);
          expect(message.data.title).not.toContain('\n');
        },
      ),
      { numRuns: 60 },
    );
  });
});

test.each([
  [-5, '0 s'],
  [28_900, '28 s'],
  [61_000, '1 min 1 s'],
  [960_000, '16 min'],
  [7_500_000, '2 h 5 min'],
  [97 * 3_600_000, '4 d 1 h'],
])('%i ms reads %s', (ms, text) => {
  expect(durationText(ms as never)).toBe(text);
});

test('a cut never splits a character, and plain text has no control characters', () => {
  expect(clip('ab💥cd', 4)).toBe('ab…');
  expect(clip('abcd', 4)).toBe('abcd');
  expect(plain('a\r\nb\u202ec')).toBe('a b c');
});
