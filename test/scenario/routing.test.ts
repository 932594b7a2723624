import { describe, expect, test } from 'vitest';
import { isIncidentFact } from '../../protocol/model/fact.ts';
import { fabric } from '../support/fabric.ts';

/** The ticket opens within one reading of the fault and closes soon after its end. */
const spans = (line: string | undefined) => {
  const [, device, opened, resolved] = /^(\S+) (\d+)\.\.(\d+|open)$/.exec(line ?? '') ?? [];
  return { device, opened: Number(opened), resolved: Number(resolved) };
};

describe('a BGP clear', () => {
  test('on a leaf takes its sessions and some of each spine: one incident, the leaf is the root', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.clears('leaf3', 200);
    const { lines, incidents } = story.run(400);
    expect(lines).toHaveLength(1);
    const { device, opened, resolved } = spans(lines[0]);
    expect(device).toBe('leaf3');
    expect(opened).toBeGreaterThanOrEqual(200);
    expect(opened).toBeLessThan(206);
    expect(resolved).toBeGreaterThan(240);
    expect(resolved).toBeLessThan(270);
    const spines = incidents[0]?.symptoms.map((symptom) => symptom.subject);
    for (const n of [1, 2, 3, 4]) expect(spines).toContain(`device:spine${n}`);
  });

  test('on a spine is told of the spine, though leaves are read first', () => {
    for (const spine of ['spine1', 'spine2', 'spine3', 'spine4']) {
      const story = fabric({ leaves: 6, spines: 4 });
      story.clears(spine, 203);
      const { lines } = story.run(400);
      expect(lines).toHaveLength(1);
      expect(spans(lines[0]).device).toBe(spine);
    }
  });

  test('on two routers a few seconds apart is one incident of one of the two', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.clears('leaf2', 200);
    story.clears('leaf6', 205);
    const { lines } = story.run(400);
    expect(lines).toHaveLength(1);
    expect(['leaf2', 'leaf6']).toContain(spans(lines[0]).device);
  });

  test('on another router ten minutes later is another incident', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.clears('leaf2', 200);
    story.clears('spine1', 800);
    const { lines } = story.run(1000);
    expect(lines.map((line) => spans(line).device)).toEqual(['leaf2', 'spine1']);
  });

  test('polled every minute is found as well', () => {
    const story = fabric({ leaves: 6, spines: 4, every: 60 });
    story.clears('leaf3', 600, 120);
    const { lines } = story.run(1200);
    expect(lines).toHaveLength(1);
    expect(spans(lines[0])).toMatchObject({ device: 'leaf3' });
    expect(spans(lines[0]).opened).toBeLessThanOrEqual(660);
  });

  test('shows in the routes alone, where a source does not count sessions', () => {
    const story = fabric({ leaves: 6, spines: 4, metrics: ['route_count', 'bgp_path_count'] });
    story.clears('leaf3', 200);
    const { lines, incidents } = story.run(400);
    expect(lines).toHaveLength(1);
    expect(spans(lines[0]).device).toBe('leaf3');
    expect(incidents[0]?.root.cause).toBe('routes lost');
  });
});

describe('whoever lost only some of its sessions', () => {
  test('waits for its neighbours, so that the title names the root from the first moment', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.clears('spine3', 203);
    const { facts } = story.run(400);
    const opened = facts.filter(isIncidentFact).filter(({ kind }) => kind === 'incident.opened');
    expect(opened.map(({ view }) => view.subject)).toEqual(['device:spine3']);
    const held = facts.filter((fact) => fact.kind === 'alert.suppressed');
    expect(held[0]).toMatchObject({ because: { kind: 'held-down' } });
  });

  test('and has no neighbour in the inventory is told of at once', () => {
    const story = fabric({
      leaves: 1,
      spines: 4,
      settings: (plain) => ({
        ...plain,
        inventory: {
          ...plain.inventory,
          devices: plain.inventory.devices.filter(({ id }) => id === 'leaf1'),
        },
      }),
    });
    story.loses('leaf1|spine2', 200);
    expect(spans(story.run(300).lines[0]).opened).toBeLessThan(206);
  });
});

describe('a port between two routers', () => {
  test.each(['leaf2', 'spine3'])('shut down on %s: the root is where it was shut down', (by) => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.loses('leaf2|spine3', 200, Number.POSITIVE_INFINITY, by);
    const { lines, incidents } = story.run(600);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/open$/);
    expect(spans(lines[0]).device).toBe(by);
    expect(incidents[0]?.root.cause).toBe('port in use shut down');
  });

  test('that flaps five times is one incident that is reopened, of the same end each time', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    for (const second of [200, 300, 400, 500, 600]) {
      story.loses('leaf2|spine3', second, second + 20);
    }
    const { lines, incidents } = story.run(900);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ state: 'resolved', reopened: 4 });
    expect(new Set(lines.map((line) => spans(line).device))).toEqual(new Set(['leaf2']));
    expect(lines.every((line) => spans(line).resolved - spans(line).opened < 40)).toBe(true);
  });

  test('that breaks by itself is told of the end that it means more to', () => {
    const story = fabric({ leaves: 8, spines: 4, metrics: ['bgp_peers_established'] });
    story.loses('leaf2|spine3', 200);
    const { lines, incidents } = story.run(400);
    expect(lines).toHaveLength(1);
    // 2 of 8 sessions there, 2 of 16 at the other end.
    expect(spans(lines[0]).device).toBe('leaf2');
    expect(incidents[0]?.symptoms[0]?.because.text).toMatch(/leaf2 lost more.*25 %/);
  });
});

describe('silence', () => {
  test('a healthy fabric opens nothing, from the first reading on', () => {
    expect(fabric({ leaves: 6, spines: 4 }).run(900).lines).toEqual([]);
  });

  test('a fabric that is already broken when it is first seen opens nothing, and nothing when it heals', () => {
    const story = fabric({ leaves: 6, spines: 4 });
    story.clears('leaf3', 0, 300);
    expect(story.run(700).lines).toEqual([]);
  });

  test('routers of two sites without a link between them are two incidents', () => {
    const apart = fabric({
      leaves: 2,
      spines: 2,
      settings: (plain) => ({
        ...plain,
        inventory: {
          ...plain.inventory,
          sites: [...plain.inventory.sites, { id: 'far', name: 'Far', hub: false, users: 0 }],
          devices: plain.inventory.devices.map((device) =>
            device.id === 'spine2' ? { ...device, site: 'far' } : device,
          ),
        },
      }),
    });
    apart.clears('leaf1', 200);
    const { tickets } = apart.run(400);
    expect(tickets.map(({ device }) => device).sort()).toEqual(['leaf1', 'spine2']);
  });
});
