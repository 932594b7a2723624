import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { type Condition, compileCondition, operandsOf, operandText } from '../express/compile.ts';
import { holds, type Reader } from '../express/evaluate.ts';
import type { Fold, Operand } from '../express/parse.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { addInput, inputAt, loadInputs } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import {
  emptyWindow,
  extremeOf,
  meanOf,
  moveToGrow,
  push,
  windowFrom,
  windowState,
} from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Expression = Extract<Detector, { kind: 'expression' }>;

/**
 * What is known of one operand: the fields below, then the window of a folded one. Times are 0 for
 * never.
 */
const LAST_AT = 0;
const PATIENCE = 1;
const VALUE = 2;
/** First sample since the beginning or since data came back: a window must have been filled once. */
const SINCE = 3;
const EVERY = 4;
const WINDOW = 5;
const EMPTY: readonly number[] = [0, 0, 0, 0, 0];

/** As snapshots have it. */
interface ExpressionState {
  readonly operands: readonly (Numbers | null)[];
  readonly isBreached: boolean;
  /** First sample at which the raising condition held. */
  readonly since: EpochMs;
}
/** The last two as numbers, before the places of the operands. */
const IS_BREACHED = 0;
const BREACHED_SINCE = 1;
const OPERANDS = 2;

/** The configuration and the tests of the pack have compiled it before. */
function compiled(text: string): Condition {
  const result = compileCondition(text);
  if (result.ok) return result.condition;
  throw new Error(`"${text}", character ${result.offset + 1}: ${result.message}`);
}

/**
 * A condition over the metrics of one subject. Raised when `raise` holds, cleared when `clear` holds
 * (or, without one, when `raise` does not); what nobody knows changes nothing.
 */
export function expressionJudge({ raise, clear }: Expression): Judge {
  const raising = compiled(raise);
  const clearing = clear === undefined ? undefined : compiled(clear);
  const metrics = [...new Set([...raising.metrics, ...(clearing?.metrics ?? [])])];
  const operands = [
    ...new Map(
      [...raising.operands, ...(clearing?.operands ?? [])].map((one) => [operandText(one), one]),
    ).values(),
  ];
  const places = new Map(operands.map((operand, place) => [operandText(operand), place]));
  /** By the operand itself, as the trees hold it: texts are made once. */
  const placeOf = new Map<Operand, number>();
  for (const one of [...operandsOf(raising.tree), ...(clearing ? operandsOf(clearing.tree) : [])]) {
    placeOf.set(one, places.get(operandText(one)) as number);
  }
  const fedBy = metrics.map((metric) =>
    operands.flatMap((operand, place) => (operand.metric === metric ? [place] : [])),
  );

  function reader(marks: Marks, base: number, at: EpochMs) {
    return (operand: Operand): number | undefined => {
      const input = inputAt(marks, base + OPERANDS + (placeOf.get(operand) as number));
      return input === 0 ? undefined : knownOf(marks, input, operand, at);
    };
  }

  /** Whether the trouble shows now; undefined when nobody knows. */
  function shows(
    { tree, isClearing }: { tree: Condition['tree']; isClearing: boolean },
    read: Reader,
  ) {
    const isTrue = holds(tree, read);
    return isTrue === undefined ? undefined : isTrue !== isClearing;
  }

  function verdictOf(marks: Marks, base: number, at: EpochMs): Verdict {
    const wasBreached = marks[base + IS_BREACHED] === 1;
    const isClearing = wasBreached && clearing !== undefined;
    const { tree } = isClearing ? clearing : raising;
    const isBreached = shows({ tree, isClearing }, reader(marks, base, at));
    if (isBreached === undefined) return 'unknown';
    if (isBreached && !wasBreached) marks[base + BREACHED_SINCE] = at;
    marks[base + IS_BREACHED] = Number(isBreached);
    return isBreached ? 'breached' : 'normal';
  }

  const parts = ({ marks }: Watched, base: number, at: EpochMs): string =>
    raising.operands
      .flatMap((operand) => {
        const value = reader(marks, base, at)(operand);
        return value === undefined ? [] : [operandWords(operand, value)];
      })
      .join(', ');

  /** Of any operand. */
  const newestOf = ({ marks }: Watched, base: number): EpochMs => {
    const times = operands.map((_, place) => {
      const input = inputAt(marks, base + OPERANDS + place);
      return input === 0 ? 0 : (marks[input + LAST_AT] as number);
    });
    return epochMs(Math.max(0, ...times));
  };

  return defineJudge<ExpressionState>({
    metrics,
    first: [0, 0, ...zeros(operands.length)],
    observe(base, index, feed) {
      for (const place of fedBy[index] as number[]) {
        take(base + OPERANDS + place, operands[place] as Operand, feed);
      }
      return verdictOf(feed.watched.marks, base, feed.at);
    },
    finding(base, watched, at): Finding {
      const { marks } = watched;
      const [first] = raising.operands;
      const observed = first && reader(marks, base, at)(first);
      return {
        ...(first !== undefined && { metric: first.metric }),
        onsetAt: epochMs(Math.min((marks[base + BREACHED_SINCE] as number) || at, at)),
        ...(observed !== undefined && { observed }),
        text: `${parts(watched, base, at)}; the rule says ${raise}`,
      };
    },
    cleared(base, watched) {
      const is = clear === undefined ? `no longer ${raise}` : clear;
      return `${parts(watched, base, newestOf(watched, base))}; ${is}`;
    },
    save: (base, { marks }) => ({
      operands: operands.map(({ fold }, place) => {
        const input = inputAt(marks, base + OPERANDS + place);
        if (input === 0) return null;
        const window = fold === 'last' ? [] : windowState(marks, input + WINDOW);
        return marks.slice(input, input + WINDOW).concat(window);
      }),
      isBreached: marks[base + IS_BREACHED] === 1,
      since: marks[base + BREACHED_SINCE] as EpochMs,
    }),
    load(base, watched, state) {
      watched.marks[base + IS_BREACHED] = Number(state.isBreached);
      watched.marks[base + BREACHED_SINCE] = state.since;
      const inputs = state.operands.map((numbers, place) => {
        if (numbers === null || operands[place]?.fold === 'last') return numbers;
        return [...numbers.slice(0, WINDOW), ...windowFrom(numbers.slice(WINDOW))];
      });
      loadInputs(watched, base + OPERANDS, operands.length, inputs);
    },
  });
}

/** @param pointer where the place of the operand is noted */
function take(pointer: number, { fold, over }: Operand, feed: Feed): void {
  const { watched, at, value, every, patience } = feed;
  const isFolded = fold !== 'last';
  const input =
    inputAt(watched.marks, pointer) ||
    addInput(watched, pointer, EMPTY.concat(isFolded ? emptyWindow(over, every) : []));
  const { marks } = watched;
  const lastAt = marks[input + LAST_AT] as number;
  if (lastAt === 0 || at - lastAt > (marks[input + PATIENCE] as number)) marks[input + SINCE] = at;
  marks[input + LAST_AT] = at;
  marks[input + PATIENCE] = patience;
  marks[input + EVERY] = every;
  marks[input + VALUE] = value;
  if (!isFolded || push(marks, input + WINDOW, at, value, over)) return;
  moveToGrow(watched, pointer, WINDOW);
  push(watched.marks, inputAt(watched.marks, pointer) + WINDOW, at, value, over);
}

function knownOf(
  marks: Marks,
  input: number,
  { fold, over }: Operand,
  at: EpochMs,
): number | undefined {
  const lastAt = marks[input + LAST_AT] as number;
  if (at - lastAt > (marks[input + PATIENCE] as number)) return undefined;
  if (fold === 'last') return marks[input + VALUE];
  const seen = lastAt - (marks[input + SINCE] as number);
  if (seen + (marks[input + EVERY] as number) * 1.5 < over) return undefined;
  return folded(marks, input + WINDOW, fold);
}

const folded = (marks: Marks, window: number, fold: Fold): number =>
  fold === 'mean' ? meanOf(marks, window) : extremeOf(marks, window, fold === 'max');

function operandWords({ metric, fold, over }: Operand, value: number): string {
  const figure = `${metricText(metric)} ${figureText(metric, value)}`;
  if (fold === 'last') return figure;
  const how = fold === 'mean' ? 'in the mean of' : fold === 'max' ? 'at most in' : 'at least in';
  return `${figure} ${how} ${durationText(over)}`;
}
