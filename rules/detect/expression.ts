import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { type Condition, compileCondition, operandsOf, operandText } from '../express/compile.ts';
import { holds, type Reader } from '../express/evaluate.ts';
import type { Fold, Operand } from '../express/parse.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import { emptyWindow, extremeOf, meanOf, type Numbers, push } from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Expression = Extract<Detector, { kind: 'expression' }>;

/**
 * What is known of one operand, as numbers: the fields below, then the window of a folded one.
 * Times are 0 for never.
 */
const LAST_AT = 0;
const PATIENCE = 1;
const VALUE = 2;
/** First sample since the beginning or since data came back: a window must have been filled once. */
const SINCE = 3;
const EVERY = 4;
const WINDOW = 5;
const EMPTY: readonly number[] = [0, 0, 0, 0, 0];

interface ExpressionState {
  readonly operands: (Numbers | null)[];
  isBreached: boolean;
  /** First sample at which the raising condition held. */
  since: EpochMs;
}

const NEVER = epochMs(0);

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

  function reader(state: ExpressionState, at: EpochMs) {
    return (operand: Operand): number | undefined => {
      const numbers = state.operands[placeOf.get(operand) as number];
      return numbers ? knownOf(numbers, operand, at) : undefined;
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

  function verdictOf(state: ExpressionState, at: EpochMs): Verdict {
    const isClearing = state.isBreached && clearing !== undefined;
    const { tree } = isClearing ? clearing : raising;
    const isBreached = shows({ tree, isClearing }, reader(state, at));
    if (isBreached === undefined) return 'unknown';
    if (isBreached && !state.isBreached) state.since = at;
    state.isBreached = isBreached;
    return isBreached ? 'breached' : 'normal';
  }

  const parts = (state: ExpressionState, at: EpochMs): string =>
    raising.operands
      .flatMap((operand) => {
        const value = reader(state, at)(operand);
        return value === undefined ? [] : [operandWords(operand, value)];
      })
      .join(', ');

  return defineJudge<ExpressionState>({
    metrics,
    create: () => ({ operands: operands.map(() => null), isBreached: false, since: NEVER }),
    observe(state, input, feed) {
      for (const place of fedBy[input] as number[]) {
        state.operands[place] = take(state.operands[place], operands[place] as Operand, feed);
      }
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const [first] = raising.operands;
      const observed = first && reader(state, at)(first);
      return {
        ...(first !== undefined && { metric: first.metric }),
        onsetAt: epochMs(Math.min(state.since || at, at)),
        ...(observed !== undefined && { observed }),
        text: `${parts(state, at)}; the rule says ${raise}`,
      };
    },
    cleared: (state) =>
      `${parts(state, newestOf(state))}; ${clear === undefined ? `no longer ${raise}` : clear}`,
  });
}

const newestOf = ({ operands }: ExpressionState): EpochMs =>
  epochMs(Math.max(0, ...operands.map((numbers) => numbers?.[LAST_AT] ?? 0)));

function take(known: Numbers | null | undefined, { fold, over }: Operand, feed: Feed): Numbers {
  const { at, value, every, patience } = feed;
  const numbers = known ?? EMPTY.concat(fold === 'last' ? [] : emptyWindow(over, every));
  const lastAt = numbers[LAST_AT] as number;
  if (lastAt === 0 || at - lastAt > (numbers[PATIENCE] as number)) numbers[SINCE] = at;
  numbers[LAST_AT] = at;
  numbers[PATIENCE] = patience;
  numbers[EVERY] = every;
  numbers[VALUE] = value;
  if (fold !== 'last') push(numbers, WINDOW, at, value, over);
  return numbers;
}

function knownOf(numbers: Numbers, { fold, over }: Operand, at: EpochMs): number | undefined {
  if (at - (numbers[LAST_AT] as number) > (numbers[PATIENCE] as number)) return undefined;
  if (fold === 'last') return numbers[VALUE];
  const seen = (numbers[LAST_AT] as number) - (numbers[SINCE] as number);
  if (seen + (numbers[EVERY] as number) * 1.5 < over) return undefined;
  return folded(numbers, fold);
}

const folded = (numbers: Numbers, fold: Fold): number =>
  fold === 'mean' ? meanOf(numbers, WINDOW) : extremeOf(numbers, WINDOW, fold === 'max');

function operandWords({ metric, fold, over }: Operand, value: number): string {
  const figure = `${metricText(metric)} ${figureText(metric, value)}`;
  if (fold === 'last') return figure;
  const how = fold === 'mean' ? 'in the mean of' : fold === 'max' ? 'at most in' : 'at least in';
  return `${figure} ${how} ${durationText(over)}`;
}
