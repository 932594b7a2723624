import { expect, test } from 'vitest';
import { createMix, MIX_START } from '../../bench/support-engine-mix.ts';
import { EMPTY_INVENTORY } from '../../protocol/model/inventory.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';

const settings = {
  installation: 'test',
  inventory: EMPTY_INVENTORY,
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches: [],
};

/** An engine of ten agents that has seen some minutes of 1,000 series. */
function busyEngine() {
  const engine = createEngine(settings);
  const mix = createMix(0.01);
  let position = 0;
  const feed = (second: number): void => {
    const now = epochMs(MIX_START + second * 1000);
    for (const { agent, samples } of mix.batchesAt(second)) {
      position += 1;
      engine.observe({ agent, lane: 'live', samples }, { now, position });
    }
    position += 1;
    engine.tick({ now, position });
  };
  for (let second = 0; second < 300; second++) feed(second);
  return { engine, feed };
}

test('the pieces of a snapshot are together its JSON', () => {
  const { engine } = busyEngine();
  const pieces = [...engine.snapshotText()];
  expect(pieces.join('')).toBe(JSON.stringify(engine.snapshot()));
  expect(pieces.length).toBeGreaterThan(10);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(100_000);
});

test('of an engine that has seen nothing too', () => {
  const engine = createEngine(settings);
  expect([...engine.snapshotText()].join('')).toBe(JSON.stringify(engine.snapshot()));
});

test('an input between two pieces is refused, or the snapshot would be of no moment', () => {
  const { engine, feed } = busyEngine();
  const pieces = engine.snapshotText()[Symbol.iterator]();
  pieces.next();
  feed(300);
  expect(() => pieces.next()).toThrow('an input came');
});
