/** One turn of the wheel, steps; longer waits are not possible. */
const SLOTS = 1024;

/** Calendar of the simulation: what is to happen at which step, in the order in which it was put in. */
export interface Wheel {
  /** @param steps 1 to 1,023 from now */
  put(steps: number, kind: number, index: number): void;
  /** Moves to the next step and hands over what is due there. */
  turn(take: (kind: number, index: number) => void): void;
}

export function createWheel(): Wheel {
  const slots: number[][] = Array.from({ length: SLOTS }, () => []);
  let step = 0;
  return {
    put(steps, kind, index) {
      if (steps < 1 || steps >= SLOTS)
        throw new RangeError(`${steps} steps are no turn of the wheel`);
      (slots[(step + steps) % SLOTS] as number[]).push(kind, index);
    },
    turn(take) {
      step += 1;
      const slot = slots[step % SLOTS] as number[];
      slots[step % SLOTS] = [];
      for (let i = 0; i < slot.length; i += 2) take(slot[i] as number, slot[i + 1] as number);
    },
  };
}
