import type { EpochMs } from '../../protocol/model/units.ts';
import type { Verdict } from './alert-state.ts';
import type { Marks } from './marks.ts';

/*
 * Rules with several inputs (in and out, ICMP and STAMP) note the place of each among their numbers, and
 * make room for it with its first sample: most subjects have one of the two.
 */

/** Whose numbers may get more room. They are another array then: hold none across a call that adds. */
export interface Marking {
  marks: Marks;
}

/**
 * Room for more numbers behind the others; its place. Exact: an array that grows by pushing takes up to 28
 * places more than it needs.
 */
export function addRoom(watched: Marking, numbers: readonly number[]): number {
  const place = watched.marks.length;
  watched.marks = watched.marks.concat(numbers);
  return place;
}

/** The same, and its place is noted at `pointer`. */
export function addInput(watched: Marking, pointer: number, numbers: readonly number[]): number {
  const place = addRoom(watched, numbers);
  watched.marks[pointer] = place;
  return place;
}

/** What is noted at `pointer`, 0 = no room yet. As a machine integer: it is added to all the time. */
export const inputAt = (marks: Marks, pointer: number): number => (marks[pointer] as number) | 0;

/** The numbers of an input that has so many fields, for snapshots; null = it has no room yet. */
export function inputState(marks: Marks, pointer: number, fields: number): number[] | null {
  const input = inputAt(marks, pointer);
  return input === 0 ? null : marks.slice(input, input + fields);
}

/** Gives inputs the room that a snapshot says they had. @param pointer of the first of `count` */
export function loadInputs(
  watched: Marking,
  pointer: number,
  count: number,
  states: readonly (readonly number[] | null)[],
): void {
  states.slice(0, count).forEach((state, i) => {
    if (state !== null) addInput(watched, pointer + i, state);
  });
}

/** Which numbers of an input `verdictOf` looks at; its patience stands behind `lastAt`. */
interface VerdictFields {
  readonly lastAt: number;
  readonly isOpen: number;
}

/**
 * Of all inputs with fresh data: breached when one is.
 * @param pointer of the first of `count`
 * @param isEasing of an open input, by its place: whether its end is likelier than its going on
 */
export function verdictOf(
  marks: Marks,
  pointer: number,
  count: number,
  { lastAt, isOpen }: VerdictFields,
  at: EpochMs,
  isEasing: (marks: Marks, input: number) => boolean = never,
): Verdict {
  let verdict: Verdict = 'unknown';
  for (let i = 0; i < count; i++) {
    const input = inputAt(marks, pointer + i);
    if (input === 0) continue;
    const fresh = input + lastAt;
    if (at - (marks[fresh] as number) > (marks[fresh + 1] as number)) continue;
    if (marks[input + isOpen] !== 1) {
      if (verdict === 'unknown') verdict = 'normal';
    } else if (isEasing(marks, input)) verdict = 'easing';
    else return 'breached';
  }
  return verdict;
}

const never = (): boolean => false;
