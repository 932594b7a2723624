import type { Rule, Timing } from '../rules/settings.ts';

/** The rules and numbers that a configuration starts from (`rules/packs/default.ts`). */
export interface RulePack {
  readonly rules: readonly Rule[];
  readonly timing: Timing;
}
