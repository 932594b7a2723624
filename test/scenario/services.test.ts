import { expect, test } from 'vitest';
import type { ServiceFact } from '../../protocol/model/fact.ts';
import type { Service } from '../../protocol/model/inventory.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';
import { createRun, START } from '../support/scenario-run.ts';

const branches = hubAndBranches([{ id: 'lyon', otherLinks: ['lte'] }, { id: 'nice' }]);

/** The stories begin on a Monday at nine in UTC. */
const cards = (from: string, to: string): Service => ({
  id: 'cards',
  name: 'Card payments',
  needs: { subject: 'site:lyon' },
  users: 142,
  criticality: 'high',
  hours: { timeZone: 'UTC', weekly: [{ days: [1, 2, 3, 4, 5], from, to }] },
  costPerHour: { amount: 38, currency: 'EUR' },
});
const withService = (from: string, to: string) => ({
  ...branches,
  inventory: { ...branches.inventory, services: [cards(from, to)] },
});
const network = withService('08:00', '18:00');

test('the stories begin when their service is open', () => {
  expect(new Date(START).toISOString()).toMatch(/T(0[89]|1[0-7]):/);
  expect(new Date(START).getUTCDay()).toBeGreaterThan(0);
  expect(new Date(START).getUTCDay()).toBeLessThan(6);
});

test('one of two circuits is cut: the service is only at risk, and nobody is woken', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('90s').expectOpen({ root: 'link:lyon-mpls', priority: 3 });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('8m').expectOpen();
  story.run();
});

test('both circuits are cut: P1 in the service hours, for all who use it', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('30s').link('lyon-lte').isCut();
  story.at('2m').expectTickets(1);
  story.run();

  const { priorities, facts, last } = told(network);
  expect(Math.min(...priorities)).toBe(1);
  expect(facts.at(-1)).toBe('healthy');
  expect(facts).toContain('down');
  expect(last?.services?.map(({ id, state }) => [id, state])).toEqual([['cards', 'healthy']]);
  expect(last?.users).toBe(142);
});

test('outside the service hours the same cut is less urgent and costs nothing', () => {
  const { priorities, last } = told(withService('00:00', '01:00'));
  expect(Math.min(...priorities)).toBe(3);
  expect(last?.costSoFar?.amount).toBe(0);
});

test('an hour without the service costs what an hour costs', () => {
  const { last, most } = told(network, 60);
  expect(most).toBe(38);
  expect(last?.costSoFar?.amount).toBeGreaterThan(36);
  expect(last?.costSoFar?.amount).toBeLessThan(39);
  expect(last?.sites).toContain('lyon');
});

/** Cuts Lyon off for some minutes; what was told of the incident and of the service. */
function told(net: typeof network, minutes = 5) {
  const settings = {
    installation: 'story',
    ...net,
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
  };
  const run = createRun(settings, 1);
  run.until(START + 30_000);
  for (const id of ['lyon-mpls', 'lyon-lte']) run.world.link(id).isCut = true;
  run.until(START + (minutes + 0.5) * 60_000);
  for (const id of ['lyon-mpls', 'lyon-lte']) run.world.link(id).isCut = false;
  run.until(START + (minutes + 10) * 60_000);
  const views = run.facts.flatMap((fact) => ('view' in fact ? [fact.view] : []));
  const services = run.facts.filter((fact): fact is ServiceFact => fact.kind === 'service.changed');
  const ended = run.incidents().filter((incident) => incident.resolvedAt !== undefined);
  return {
    priorities: views.map((view) => view.priority),
    facts: services.map((fact) => fact.state),
    last: ended.find((incident) => (incident.costSoFar?.amount ?? 0) > 0) ?? ended[0],
    most: Math.max(...views.map((view) => view.costPerHour?.amount ?? 0)),
  };
}
