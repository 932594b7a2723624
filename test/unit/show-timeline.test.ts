import { describe, expect, test } from 'vitest';
import type { Fact } from '../../protocol/model/fact.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { DeliveryView } from '../../server/ports/show.ts';
import { thin } from '../../server/show/range.ts';
import { buildTimeline, decidingEvidence } from '../../server/show/timeline.ts';
import {
  type FakeIncident,
  fakeIncident,
  incidentFact,
  openingFacts,
} from '../support/fake-incidents.ts';
import { busyMorning } from '../support/fake-scenes.ts';

const T0 = epochMs(1_700_000_000_000);
const [LYON] = busyMorning(T0) as [FakeIncident];
const incident = fakeIncident(LYON);
const stored = (facts: readonly Fact[]) =>
  facts.map((fact, n) => ({ position: n, ordinal: 0, fact }));
const delivery = (over: Partial<DeliveryView>): DeliveryView => ({
  id: 1,
  destination: 'desk',
  incident: incident.id,
  type: 'incident.opened',
  messageId: 'msg_1',
  notBefore: T0,
  attempts: 1,
  state: 'delivered',
  lastAnswer: '201 Created',
  createdAt: T0,
  ...over,
});

describe('time line', () => {
  test('tells the story in order, from the first sample to the answer of the ticket system', () => {
    const entries = buildTimeline(incident, stored(openingFacts(LYON)), [delivery({})]);
    expect(entries.map((entry) => entry.kind)).toEqual([
      'onset',
      'alert.fired',
      'subject.changed',
      'incident.opened',
      'alert.suppressed',
      'alert.suppressed',
      'alert.suppressed',
      'ticket.queued',
      'ticket.delivered',
    ]);
    expect(entries.every((entry, n) => n === 0 || entry.at >= (entries[n - 1]?.at ?? 0))).toBe(
      true,
    );
    expect(entries.at(-1)?.text).toBe(
      'desk took the message "opened" at the first attempt. Answer: 201 Created',
    );
  });

  test.each([
    [
      delivery({ state: 'failed', attempts: 9, lastAnswer: 'HTTP 500' }),
      'did not take the message "opened", after 9 attempts. Answer: HTTP 500',
    ],
    [
      delivery({ state: 'waiting', attempts: 2 }),
      'has not taken the message "opened" yet (2 attempts)',
    ],
  ])('says how a delivery stands', (row, words) => {
    expect(buildTimeline(incident, [], [row]).at(-1)?.text).toContain(words);
  });

  test('a message that was never tried is only queued', () => {
    const entries = buildTimeline(incident, [], [delivery({ attempts: 0, state: 'waiting' })]);
    expect(entries.map((entry) => entry.kind)).toEqual(['onset', 'ticket.queued']);
  });

  test('people are named with their note', () => {
    const acknowledged = { by: 'Mira', at: T0, until: T0, note: 'provider called' };
    const fact = incidentFact(
      'incident.acknowledged',
      { ...incident, state: 'acknowledged', acknowledged },
      T0,
    );
    expect(buildTimeline(incident, stored([fact]), []).at(-1)?.text).toBe(
      'Acknowledged by Mira: provider called.',
    );
  });

  test('updates that nobody outside must hear of are left out', () => {
    const fact = { ...incidentFact('incident.updated', incident, T0), material: false } as Fact;
    expect(buildTimeline(incident, stored([fact]), []).map((entry) => entry.kind)).toEqual([
      'onset',
    ]);
  });

  test('a very long story keeps its beginning and its end, and says what is missing', () => {
    const facts = Array.from(
      { length: 2_000 },
      (_, n): Fact => ({
        kind: 'subject.changed',
        at: epochMs(T0 + n),
        subject: 'link:x',
        health: n % 2 === 0 ? 'up' : 'down',
        because: 'flaps',
      }),
    );
    const entries = buildTimeline(incident, stored(facts), []);
    expect(entries).toHaveLength(400);
    expect(entries.find((entry) => entry.kind === 'shortened')?.text).toContain('more entries');
    expect(entries.at(-1)?.at).toBe(T0 + 1_999);
  });

  test('the evidence is that of the root, not of a symptom', () => {
    expect(decidingEvidence(incident, stored(openingFacts(LYON)))).toMatchObject({ expected: 1 });
    const foreign = openingFacts({ ...LYON, rule: 'other' });
    expect(decidingEvidence(incident, stored(foreign))).toBeUndefined();
  });
});

describe('thinning', () => {
  const points = Array.from({ length: 10_000 }, (_, n) => ({
    at: epochMs(T0 + n),
    value: n === 6_543 ? 99 : n % 10,
  }));

  test('a spike of one sample survives, and time still only goes forward', () => {
    const kept = thin(points, 400);
    expect(kept.length).toBeLessThanOrEqual(400);
    expect(kept.some((point) => point.value === 99)).toBe(true);
    expect(kept.every((point, n) => n === 0 || point.at > (kept[n - 1]?.at ?? 0))).toBe(true);
  });

  test('a short range comes as it is', () => {
    expect(thin(points.slice(0, 400), 400)).toHaveLength(400);
    expect(thin([], 400)).toEqual([]);
  });
});
