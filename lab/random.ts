/** Seeded random numbers (mulberry32): the same seed gives the same lab, run after run. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  between(from: number, to: number): number;
  pick<T>(items: readonly T[]): T;
  /** Mean 0, deviation 1 (Box-Muller). */
  normal(): number;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => {
      const chosen = items[Math.floor(next() * items.length)];
      if (chosen === undefined) throw new RangeError('pick: nothing to choose from');
      return chosen;
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}
