import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { addRoom } from '../../rules/detect/inputs.ts';
import { createPort } from '../../rules/detect/notes.ts';
import { createScope } from '../../rules/detect/scope.ts';
import { createShared, createWatched, type Feed } from '../../rules/detect/watched.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import { at, batch, sample, settings } from '../support/detection.ts';

const KINDS = ['surge', 'profile', 'forecast', 'burn-rate'];
const learning = DEFAULT_RULES.filter(
  ({ id, detector }) =>
    KINDS.includes(detector.kind) || id === 'link-loss' || id === 'voice-quality',
);

/** What a broken or lying agent may send: the engine itself refuses what is no number or beyond 1e15. */
const figure = fc.oneof(
  fc.constantFrom(0, -1, 1, 1.5, 2, 1e-300, -1e15, 1e15),
  // JSON writes -0 as 0, and the half of the smallest number below 0 is -0.
  fc
    .double({ min: -1e15, max: 1e15, noNaN: true })
    .map((value) => (Math.abs(value) < 1e-300 ? 0 : value)),
);
/** Seconds to the next sample: rounds, stops of days, and almost nothing. */
const pause = fc.constantFrom(0.001, 1, 5, 60, 240, 3_600, 90_000, 700_000);

describe('figures that should not be', () => {
  test.each(learning.map(({ id }) => id))('%s keeps its mind and its memory plain', (id) => {
    const rules = DEFAULT_RULES.filter((rule) => rule.id === id);
    const subject =
      rules[0]?.on[0] === 'link'
        ? 'link:lyon-mpls'
        : rules[0]?.on[0] === 'device'
          ? 'device:lyon-r1'
          : 'interface:lyon-r1/wan0';
    const [compiled] = createScope(settings({ rules })).rulesOf(subject);
    if (compiled === undefined) throw new Error(`${id} judges nothing`);
    const { judge } = compiled;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(figure, pause, fc.nat(judge.metrics.length - 1)), { maxLength: 300 }),
        (samples) => {
          const place = () => {
            const made = createWatched('a', createShared(subject));
            made.port = { ...createPort(), speedBps: 1e9, inBps: 5e8 };
            return { watched: made, base: addRoom(made, judge.first) };
          };
          const { watched, base } = place();
          let now = 1_700_000_000_000;
          for (const [value, after, input] of samples) {
            now += after * 1000;
            const feed = {
              at: epochMs(now),
              value,
              every: durationMs(60_000),
              patience: durationMs(185_000),
              span: durationMs(after * 1000),
              learned: undefined,
              watched,
            } as Feed;
            expect(['normal', 'breached', 'unknown']).toContain(judge.observe(base, input, feed));
            judge.trend?.();
          }
          const state = judge.save(base, watched);
          const stored = JSON.parse(JSON.stringify(state));
          expect(stored).toEqual(state);
          const restored = place();
          judge.load(restored.base, restored.watched, stored);
          expect(judge.save(restored.base, restored.watched)).toEqual(state);
          const finding = judge.finding(restored.base, restored.watched, epochMs(now));
          expect(finding.onsetAt).toBeLessThanOrEqual(now);
          expect(finding.text).not.toMatch(/NaN|undefined|Infinity/);
          expect(JSON.stringify(state).length).toBeLessThan(12_000);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the engine refuses figures that nothing measures', () => {
    const engine = createSiteEngine(settings());
    for (const value of [1e300, -1e300, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      engine.observe(batch([sample(5, 'stamp_rtt_ms', value)]), { now: at(5), position: 1 });
    }
    expect(JSON.stringify(engine.snapshot())).not.toMatch(/e\+30[08]/);
  });

  test('a snapshot of a release whose loss and error rules kept another state is gone on with', () => {
    const engine = createSiteEngine(settings());
    const lossy = (second: number) =>
      batch([sample(second, 'stamp_loss_ratio', second < 60 ? 0 : 0.4, { every: 5 })]);
    for (let s = 0; s < 120; s += 5) engine.observe(lossy(s), { now: at(s + 1), position: s });
    const old = JSON.parse(JSON.stringify(engine.snapshot()), (key, value) =>
      key === 'form' ? undefined : value,
    );
    for (const place of old.registry.watched) {
      for (const cell of place.cells) if (/loss|errors/.test(cell.rule)) cell.state = [[1, 2, 3]];
    }
    const upgraded = createSiteEngine(settings(), old);
    const facts = [];
    for (let s = 120; s < 240; s += 5) {
      const well = batch([sample(s, 'stamp_loss_ratio', 0, { every: 5 })]);
      facts.push(...upgraded.observe(well, { now: at(s + 1), position: s }));
    }
    expect(facts.filter(({ kind }) => kind === 'alert.resolved')).toHaveLength(1);
  });
});
