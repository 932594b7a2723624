import { type PlanOptions, planStorm, type StormPlan } from '../lab/storm/plan.ts';
import { type Listener, runStorm, type StormResult } from '../lab/storm/run.ts';
import { type StormScore, scoreStorm } from '../lab/storm/score.ts';
import { type TrueFault, truthOf } from '../lab/storm/truth.ts';
import type { Fact } from '../protocol/model/fact.ts';
import { EMPTY_INVENTORY } from '../protocol/model/inventory.ts';
import { epochMs } from '../protocol/model/units.ts';
import { createEngine } from '../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import type { EngineSettings } from '../rules/settings.ts';

export interface JudgedStorm {
  readonly plan: StormPlan;
  readonly truths: readonly TrueFault[];
  readonly result: StormResult;
  readonly score: StormScore;
}

export const settingsOf = ({ inventory, watches }: StormPlan): EngineSettings => ({
  installation: 'storm',
  inventory,
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches,
});

const NOTHING: EngineSettings = {
  installation: 'replay',
  inventory: EMPTY_INVENTORY,
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches: [],
};

/** The whole real engine, configured by its first input, as in a replay. */
export function engineListener(settings: EngineSettings): Listener {
  const engine = createEngine(NOTHING);
  let position = 0;
  let isConfigured = false;
  const instant = (at: number) => {
    position += 1;
    return { now: epochMs(at), position };
  };
  return {
    heard(agent, samples, at, lane) {
      const now = instant(at);
      const facts = engine.heard(agent, now);
      return samples.length === 0
        ? facts
        : [...facts, ...engine.observe({ agent, lane, samples }, now)];
    },
    tick(at) {
      const facts: Fact[] = engine.tick(instant(at));
      if (isConfigured) return facts;
      isConfigured = true;
      return [...facts, ...engine.configure(settings, instant(at))];
    },
  };
}

export function judgeStorm(
  options: PlanOptions,
  listener?: (plan: StormPlan) => Listener,
): JudgedStorm {
  const plan = planStorm(options);
  const result = runStorm(plan, listener?.(plan) ?? engineListener(settingsOf(plan)));
  const truths = truthOf(plan);
  return { plan, truths, result, score: scoreStorm(truths, result.facts) };
}
