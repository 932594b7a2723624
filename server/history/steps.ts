/** Units of a value that are told apart at the finest: no resolution of the catalogue is finer. */
const PER_UNIT = 1e6;
/** Below this every unit is a step of its own. */
const EXACT = 200;
/** Steps from 200 to 2,000 units, and in every ten times as many. */
const PER_DECADE = 700;

/**
 * Values in the steps that figures of a day are kept in: 200 to 400 of the last digit one by one,
 * then by two, from 1,000 to 2,000 by five. So what is kept is a short decimal at most 0.25 % away
 * (below 0.0002: half a millionth), and 0.2 is 0.2. Steps grow with the value and have its sign.
 * @param value finite, -1e18..1e18
 * @returns a whole number, 200 to 14,200 for 0.0002 to 2e16
 */
export function stepsOf(value: number): number {
  if (value < 0) return -stepsOf(-value);
  const units = value * PER_UNIT;
  if (units < EXACT - 0.5) return Math.round(units);
  // A logarithm that comes out one off does no harm: the last step of a decade is the first of the next.
  const decade = Math.max(0, Math.floor(Math.log10(units / EXACT)));
  return EXACT + PER_DECADE * decade + withinDecade(units / 10 ** decade);
}

/** @param digits 199.5 to a little above 2,000 */
function withinDecade(digits: number): number {
  if (digits < 400) return Math.round(digits - 200);
  if (digits < 1000) return 200 + Math.round((digits - 400) / 2);
  return 500 + Math.round((digits - 1000) / 5);
}

/** The value of a step: a decimal of three or four digits, as near as a double comes to it. */
export function valueOfSteps(steps: number): number {
  if (steps < 0) return -valueOfSteps(-steps);
  if (steps < EXACT) return steps / PER_UNIT;
  const decade = Math.floor((steps - EXACT) / PER_DECADE);
  const power = 10 ** Math.abs(decade - 6);
  const digits = digitsOf(steps - EXACT - PER_DECADE * decade);
  return decade < 6 ? digits / power : digits * power;
}

function digitsOf(step: number): number {
  if (step < 200) return 200 + step;
  if (step < 500) return 400 + 2 * (step - 200);
  return 1000 + 5 * (step - 500);
}
