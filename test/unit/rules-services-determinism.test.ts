import { expect, test } from 'vitest';
import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Service } from '../../protocol/model/inventory.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { createRun, START } from '../support/scenario-run.ts';

const network = hubAndBranches([{ id: 'lyon', otherLinks: ['lte'] }, { id: 'nice' }]);
const services: Service[] = ['lyon', 'nice'].map((id) => ({
  id: `cards-${id}`,
  name: `Cards of ${id}`,
  needs: { subject: `site:${id}` },
  users: 30,
  criticality: 'high',
  hours: { timeZone: 'UTC', weekly: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '09:04' }] },
  costPerHour: { amount: 60, currency: 'EUR' },
}));
const settings: EngineSettings = {
  installation: 'story',
  ...network,
  inventory: { ...network.inventory, services },
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
};

/** Both circuits of Lyon and the one of Nice go, one after the other, and come back. */
function tell(isRestarted: boolean): readonly Fact[] {
  const run = createRun(settings, 7);
  const isCut = (id: string, cut: boolean) => () => {
    run.world.link(id).isCut = cut;
  };
  const plot: readonly (readonly [number, () => void])[] = [
    [30, isCut('lyon-mpls', true)],
    [60, isCut('lyon-lte', true)],
    [90, isCut('nice-mpls', true)],
    [360, isCut('lyon-mpls', false)],
    [420, isCut('nice-mpls', false)],
    [480, isCut('lyon-lte', false)],
    [900, () => {}],
  ];
  for (const [second, act] of plot) {
    while (run.now() < START + second * 1000) {
      run.until(Math.min(run.now() + 3000, START + second * 1000));
      if (isRestarted) run.restart();
    }
    act();
  }
  return run.facts;
}

test('an engine that goes on from its snapshot every three seconds tells the same of services', () => {
  const [whole, broken] = [tell(false), tell(true)];
  const told = whole.filter(({ kind }) => kind === 'service.changed');
  expect(told.length).toBeGreaterThan(4);
  expect(broken.filter(({ kind }) => kind === 'service.changed')).toEqual(told);
  const incidents = (facts: readonly Fact[]) => facts.filter(isIncidentFact);
  expect(incidents(broken)).toEqual(incidents(whole));
  const costs = incidents(whole).map(({ view }) => view.costSoFar?.amount ?? 0);
  expect(Math.max(...costs)).toBeGreaterThan(2);
});
