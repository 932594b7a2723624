import { createBed, type Opened } from './drive.ts';
import { createLinkModel, WELL } from './link-model.ts';
import type { QuietTrace } from './quiet-traces.ts';

/** What healthy links cost the people who watch them. */
export interface QuietRun {
  readonly linkDays: number;
  /** Incidents that default routing would ticket, P1 to P3. */
  readonly routed: readonly Opened[];
  /** All others: listed on the page, reviewed at leisure. */
  readonly listed: readonly Opened[];
  /** Most incidents that were open at one time. */
  readonly mostOpen: number;
  readonly samples: number;
}

const DAY = 86_400;
const EVERY = 5;
/** Chances of loss of single echoes that links are given in turn: 2 per thousand is what the traces have. */
const USUAL_LOSS = [0, 0.0005, 0.002, 0.002, 0.005];

/** Healthy links, each like a quiet stretch of a real one, at rounds of five seconds. */
export function runQuiet(
  traces: readonly QuietTrace[],
  { links, days, seed }: { links: number; days: number; seed: number },
): QuietRun {
  const bed = createBed(links, EVERY);
  const models = Array.from({ length: links }, (_, n) =>
    createLinkModel(
      traces[n % traces.length] as QuietTrace,
      seed * 1_000_003 + n,
      USUAL_LOSS[n % USUAL_LOSS.length],
    ),
  );
  let mostOpen = 0;
  for (let second = 0; second < days * DAY; second += EVERY) {
    bed.round(second, (n) => (models[n] as (typeof models)[number]).next(second, WELL));
    mostOpen = Math.max(mostOpen, bed.openNow());
  }
  const isRouted = ({ view }: Opened) => view.priority <= 3;
  return {
    linkDays: links * days,
    routed: bed.opened.filter(isRouted),
    listed: bed.opened.filter((one) => !isRouted(one)),
    mostOpen,
    samples: bed.samples,
  };
}
