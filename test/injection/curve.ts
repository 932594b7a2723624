import { createRandom } from '../../lab/random.ts';
import { createBed, type Opened } from './drive.ts';
import { INJURIES, type Injury } from './injuries.ts';
import { createLinkModel, type LinkModel, type Trouble } from './link-model.ts';
import type { QuietTrace } from './quiet-traces.ts';

/** How soon one fault of one size is told. Seconds from its beginning to the incident. */
export interface CurvePoint {
  readonly kind: string;
  readonly size: number;
  readonly unit: string;
  readonly trials: number;
  readonly detected: number;
  /** Of the detected ones; undefined when there is none. */
  readonly median: number | undefined;
  readonly p90: number | undefined;
  /** Share of the detected ones that default routing would ticket (P1 to P3). */
  readonly routed: number;
}

export interface Curve {
  readonly points: readonly CurvePoint[];
  /** Incidents on links that nothing was done to, and before the faults. */
  readonly falseIncidents: number;
  readonly falseRouted: number;
  readonly quietLinkDays: number;
  readonly samples: number;
}

export interface CurveOptions {
  readonly traces: readonly QuietTrace[];
  readonly trials: number;
  /** Seconds. */
  readonly every: number;
  readonly seed: number;
  /** Before the faults, s: baselines learn. */
  readonly warmUp: number;
  readonly faultLasts: number;
}

const DAY = 86_400;
/** One fault after the other, s: many at once are a storm, and told as one. */
const APART = 30;

interface Link {
  readonly injury: Injury | undefined;
  readonly model: LinkModel;
  readonly hurt: ((second: number, trouble: Trouble) => void) | undefined;
  /** Second at which the fault begins. */
  readonly from: number;
}

/** Every injury on so many links at once, and as many links untouched as there are traces. */
export function measureCurve(options: CurveOptions): Curve {
  const { every, warmUp, faultLasts } = options;
  const links = linksOf(options);
  const bed = createBed(links.length, every);
  const trouble: Trouble = { delayMs: 0, jitterMs: 0, loss: 0 };
  const end = warmUp + links.length * APART + faultLasts;
  for (let second = 0; second < end; second += every) {
    bed.round(second, (n) => {
      const { hurt, from, model } = links[n] as Link;
      trouble.delayMs = trouble.jitterMs = trouble.loss = 0;
      if (second >= from && second < from + faultLasts) hurt?.(second - from, trouble);
      return model.next(second, trouble);
    });
  }
  const falseOnes = bed.opened.filter(({ link, at }) => {
    const { injury, from } = links[link] ?? { injury: undefined, from: 0 };
    return injury === undefined || at < from;
  });
  return {
    points: INJURIES.map((injury) => pointOf(injury, links, bed.opened, options)),
    falseIncidents: falseOnes.length,
    falseRouted: falseOnes.filter(isRouted).length,
    quietLinkDays: links.reduce((sum, { from }) => sum + from, 0) / DAY,
    samples: bed.samples,
  };
}

const isRouted = ({ view }: Opened): boolean => view.priority <= 3;

function linksOf({ traces, trials, every, seed, warmUp }: CurveOptions): Link[] {
  const random = createRandom(seed);
  const places = shuffled(INJURIES.length * trials + traces.length, random.next);
  const link = (n: number, injury: Injury | undefined): Link => {
    const own = Math.floor(random.next() * 2 ** 31);
    return {
      injury,
      model: createLinkModel(traces[n % traces.length] as QuietTrace, own),
      hurt: injury?.create(own + 1),
      // Anywhere between two rounds: the first round after it sees it.
      from: warmUp + (places.pop() as number) * APART + random.next() * every,
    };
  };
  return [
    ...INJURIES.flatMap((injury) => Array.from({ length: trials }, (_, n) => link(n, injury))),
    ...traces.map((_, n) => link(n, undefined)),
  ];
}

/** 0 to count - 1 in random order. */
function shuffled(count: number, next: () => number): number[] {
  const places = Array.from({ length: count }, (_, n) => n);
  for (let n = count - 1; n > 0; n--) {
    const other = Math.floor(next() * (n + 1));
    [places[n], places[other]] = [places[other] as number, places[n] as number];
  }
  return places;
}

function pointOf(
  injury: Injury,
  links: readonly Link[],
  opened: readonly Opened[],
  { trials, faultLasts }: CurveOptions,
): CurvePoint {
  const firsts = links.flatMap((link, n) => {
    if (link.injury !== injury) return [];
    const until = link.from + faultLasts;
    const first = opened.find(({ link: of, at }) => of === n && at >= link.from && at < until);
    return first === undefined ? [] : [{ first, delay: first.at - link.from }];
  });
  const delays = firsts.map(({ delay }) => delay).sort((a, b) => a - b);
  const { kind, size, unit } = injury;
  return {
    kind,
    size,
    unit,
    trials,
    detected: delays.length,
    median: delays[delays.length >> 1],
    p90: delays[Math.floor(delays.length * 0.9)],
    routed: firsts.filter(({ first }) => isRouted(first)).length / Math.max(1, firsts.length),
  };
}
