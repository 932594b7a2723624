import { expect, test } from 'vitest';
import type { HitService } from '../../protocol/model/incident.ts';
import { minutes } from '../../protocol/model/units.ts';
import { MAX_BODY_BYTES, ticketMessage } from '../../server/ticket/payload.ts';
import { moneyText } from '../../server/ticket/words.ts';
import { at, fact, WAN } from '../support/ticket-facts.ts';

const CONTEXT = { inventory: WAN };
const EUR = (amount: number) => ({ amount, currency: 'EUR' });
const cards = (change: Partial<HitService> = {}): HitService => ({
  id: 'cards',
  name: 'Card payments',
  state: 'down',
  users: 142,
  criticality: 'high',
  isOpen: true,
  costPerHour: EUR(38),
  downFor: minutes(0),
  ...change,
});
const lineOf = (text: string, word: string) =>
  text.split('\n').find((line) => line.startsWith(word));

test('a ticket says which services suffer, at how many sites, and what an hour costs', () => {
  const opened = fact('incident.opened', 0, {
    sites: ['lyon', 'nice', 'metz'],
    services: [cards(), cards({ id: 'vpn', name: 'VPN', state: 'at-risk', isOpen: false })],
    costPerHour: EUR(38),
    costSoFar: EUR(0),
  });
  const { data } = ticketMessage({ type: 'incident.opened', fact: opened }, CONTEXT);
  expect(lineOf(data.text, 'Who suffers')).toBe(
    'Who suffers: 3 sites, 142 people, Card payments (down), VPN (works, nothing left in reserve, outside its hours). Priority 1 (impact high, urgency high).',
  );
  expect(lineOf(data.text, 'Cost')).toBe('Cost: about 38 EUR an hour.');
  expect(data.sites).toEqual([
    { id: 'lyon', name: 'Lyon' },
    { id: 'nice', name: 'nice' },
    { id: 'metz', name: 'metz' },
  ]);
  expect(data.services?.[0]).toEqual({
    id: 'cards',
    name: 'Card payments',
    state: 'down',
    users: 142,
    open: true,
    costPerHour: EUR(38),
    downSeconds: 0,
  });
  expect(data.users).toBe(142);
});

test('the resolution says how long each service was down, and what it cost in all', () => {
  const resolved = fact('incident.resolved', 900, {
    state: 'resolved',
    resolvedAt: at(900),
    services: [cards({ state: 'healthy', downFor: minutes(30) })],
    costPerHour: EUR(0),
    costSoFar: EUR(19),
  });
  const { data } = ticketMessage({ type: 'incident.resolved', fact: resolved }, CONTEXT);
  expect(lineOf(data.text, 'Who suffered')).toMatch(
    /^Who suffered: 142 people at Lyon, Card payments \(down for 30 min\)\./,
  );
  expect(lineOf(data.text, 'Cost')).toBe('Cost: about 19 EUR in all.');
  expect(data.costSoFar).toEqual(EUR(19));
});

test('outside the hours of all services no cost is told; without services nothing is said of them', () => {
  const opened = fact('incident.opened', 0, {
    services: [cards({ isOpen: false })],
    costPerHour: EUR(0),
    costSoFar: EUR(0),
  });
  const { text } = ticketMessage({ type: 'incident.opened', fact: opened }, CONTEXT).data;
  expect(lineOf(text, 'Cost')).toBeUndefined();
  const plainFact = fact('incident.opened', 0);
  const { data } = ticketMessage({ type: 'incident.opened', fact: plainFact }, CONTEXT);
  expect(Object.keys(data)).not.toContain('services');
});

test('hundreds of services with hostile names are counted, and the body still fits', () => {
  const services = Array.from({ length: 500 }, (_, n) =>
    cards({ id: `s${n}`, name: `${n}\n\u202e${'x'.repeat(240)}` }),
  );
  const sites = Array.from({ length: 2000 }, (_, n) => `site-${n}`);
  const opened = fact('incident.opened', 0, {
    services,
    sites,
    costPerHour: EUR(19_000),
    costSoFar: EUR(1240.5),
  });
  const message = ticketMessage({ type: 'incident.opened', fact: opened }, CONTEXT);
  expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(MAX_BODY_BYTES);
  const line = lineOf(message.data.text, 'Who suffers') ?? '';
  expect(line).toContain('2000 sites');
  expect(line).toContain('495 more services');
  expect(line).not.toContain('\u202e');
  expect(lineOf(message.data.text, 'Cost')).toBe(
    'Cost: about 19,000 EUR an hour; 1,241 EUR so far.',
  );
});

test.each([
  [38, '38 EUR'],
  [12.5, '12.50 EUR'],
  [1240.4, '1,240 EUR'],
  [0, '0 EUR'],
])('%s is written %s', (amount, text) => {
  expect(moneyText(EUR(amount))).toBe(text);
});
