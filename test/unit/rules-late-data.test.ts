import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fact, type IncidentFact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { Lane, Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { Engine } from '../../rules/contract.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';

const settings: EngineSettings = {
  installation: 'late',
  ...hubAndBranches([{ id: 'lyon', switches: 1 }, { id: 'nice' }]),
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
};
const START = Date.UTC(2026, 0, 5, 9, 0, 0);
const NICE: SubjectKey = 'link:nice-mpls';

/** An engine that is told what comes when, in seconds of the story. */
function tell(engine: Engine = createEngine(settings)) {
  const facts: Fact[] = [];
  let position = 0;
  const at = (second: number) => {
    position += 1;
    return { now: epochMs(START + second * 1000), position };
  };
  const round = (agent: string, subject: SubjectKey, second: number, value: number): Sample => ({
    series: { metric: 'icmp_loss_ratio', subject, agent, every: durationMs(5_000) },
    at: epochMs(START + second * 1000),
    value,
  });
  return {
    facts,
    engine: () => engine,
    /** Rounds of five seconds, lost where `isLost` says so, in one batch. */
    batch(lane: Lane, second: number, [from, to]: readonly [number, number], isLost = fits()) {
      const samples: Sample[] = [];
      for (let when = from; when < to; when += 5) {
        samples.push(round('a-nice', NICE, when, isLost(when) ? 1 : 0));
      }
      facts.push(...engine.observe({ agent: 'a-nice', lane, samples }, at(second)));
    },
    odd(lane: Lane, second: number, samples: readonly Sample[]) {
      facts.push(...engine.observe({ agent: 'a-nice', lane, samples }, at(second)));
    },
    ticks(from: number, to: number) {
      for (let second = from; second <= to; second++) facts.push(...engine.tick(at(second)));
    },
    configure: (second: number) => facts.push(...engine.configure(settings, at(second))),
    restart() {
      engine = createEngine(settings, JSON.parse(JSON.stringify(engine.snapshot())));
    },
    round,
    incidents: (): IncidentFact[] => facts.filter(isIncidentFact),
    found: (): Incident[] =>
      facts
        .filter(isIncidentFact)
        .map(({ view }) => view)
        .filter((view) => view.foundLater !== undefined),
  };
}

const fits =
  (...spans: readonly (readonly [number, number])[]) =>
  (when: number): boolean =>
    spans.some(([from, to]) => when >= from && when < to);

const GAP: readonly [number, number] = [0, 600];

describe('late data', () => {
  test('an outage inside the gap is recorded as over, with its own times, and is no news', () => {
    const story = tell();
    story.batch('backfill', 700, GAP, fits([100, 300]));
    story.ticks(701, 770);
    const facts = story.incidents();
    expect(facts.map(({ kind, material }) => [kind, material])).toEqual([
      ['incident.resolved', false],
    ]);
    const [view] = story.found();
    expect(view).toMatchObject({ subject: NICE, state: 'resolved', openedAt: expect.any(Number) });
    expect(view?.onsetAt).toBe(START + 100_000);
    expect(view?.resolvedAt).toBeGreaterThanOrEqual(START + 300_000);
    expect(view?.resolvedAt).toBeLessThan(START + 330_000);
    expect(view?.foundLater).toBe(START + 760_000);
    expect(view?.because.at(-1)).toMatchObject({ kind: 'late-data' });
  });

  test('told twice, by repetition, it is recorded once', () => {
    const story = tell();
    story.batch('backfill', 700, GAP, fits([100, 300]));
    story.ticks(701, 770);
    story.batch('backfill', 800, GAP, fits([100, 300]));
    story.ticks(801, 870);
    expect(story.incidents()).toHaveLength(1);
  });

  test('a batch that waited in the live lane is late as well', () => {
    const story = tell();
    story.batch('live', 700, GAP, fits([100, 300]));
    story.ticks(701, 770);
    expect(story.found()).toHaveLength(1);
    const alerts = story.facts.flatMap((fact) => (fact.kind === 'alert.fired' ? fact.alert : []));
    expect(alerts.filter(({ subject }) => subject === NICE)).toEqual([]);
  });

  test('across a hole in the data nothing is concluded: two pieces, two outages', () => {
    const story = tell();
    story.batch('backfill', 5000, [0, 600], fits([100, 300]));
    story.batch('backfill', 5001, [2000, 2600], fits([2100, 2300]));
    story.ticks(5002, 5070);
    expect(story.found().map(({ onsetAt }) => (onsetAt - START) / 1000)).toEqual([100, 2100]);
  });

  test('what still fails where the late data end is recorded as far as it was seen', () => {
    const story = tell();
    story.batch('backfill', 700, GAP, fits([500, 600]));
    story.ticks(701, 770);
    const [view] = story.found();
    expect(view?.resolvedAt).toBe(START + 595_000);
    expect(view?.because.at(-1)?.text).toContain('its end was not seen');
  });

  test('new settings end the look back, and what was found until then is told', () => {
    const story = tell();
    story.batch('backfill', 700, GAP, fits([100, 300]));
    story.configure(705);
    expect(story.found()).toHaveLength(1);
    story.ticks(706, 790);
    expect(story.found()).toHaveLength(1);
  });

  test('times that no clock shows cost no time', () => {
    const story = tell();
    const wild = [0, 5, 8.64e15, 1, -5].map((at) => ({
      ...story.round('a-nice', NICE, 0, 1),
      at: epochMs(at),
    }));
    for (const one of wild) story.odd('backfill', 700, [one]);
    story.odd('backfill', 701, wild);
    story.odd('backfill', 702, []);
    story.ticks(703, 780);
    expect(story.incidents().every(({ kind }) => kind === 'incident.resolved')).toBe(true);
  });

  test('a restart in the middle of the backlog changes nothing', () => {
    const one = tell();
    const other = tell();
    for (const story of [one, other]) {
      for (let from = 0; from < 600; from += 50) {
        story.batch('backfill', 700 + from / 50, [from, from + 50], fits([100, 300], [450, 700]));
        if (story === other) story.restart();
      }
      story.ticks(715, 745);
      if (story === other) story.restart();
      story.ticks(746, 800);
    }
    expect(other.facts).toEqual(one.facts);
    // Back within the reopen time: the same trouble, as it would have been live.
    expect(one.found().map(({ reopened }) => reopened)).toEqual([1]);
  });
});

/** What people live with: which incidents, when told, and how they ended. */
const livesOf = (facts: readonly IncidentFact[]) =>
  facts
    .filter(({ view, because }) => {
      const isCorrection = because.length > 0 && because.every(({ kind }) => kind === 'late-data');
      return view.foundLater === undefined && !isCorrection;
    })
    .map(({ kind, at, view }) => [
      kind,
      at,
      view.subject,
      view.state,
      view.priority,
      view.openedAt,
    ]);

type Span = readonly [number, number];
interface Piece {
  readonly from: number;
  readonly long: number;
  /** Step of ten seconds in which it comes. */
  readonly at: number;
}

/** Thirteen minutes of now, with pieces of the past coming in between. */
function livesWith(lost: readonly Span[], lostLate: readonly Span[], pieces: readonly Piece[]) {
  const story = tell();
  for (let step = 0; step < 80; step++) {
    const second = step * 10;
    story.batch('live', second + 10, [second, second + 10], fits(...lost));
    for (const { from, long } of pieces.filter(({ at }) => at === step)) {
      story.batch('backfill', second + 10, [from, from + long], fits(...lostLate));
    }
    story.ticks(second + 10, second + 10);
  }
  return livesOf(story.incidents());
}

test('with late data or without, the incidents of now are the same', () => {
  const span = fc
    .tuple(fc.integer({ min: 0, max: 140 }), fc.integer({ min: 1, max: 60 }))
    .map(([from, long]): Span => [from * 5, (from + long) * 5]);
  const piece = fc.record({
    from: fc.integer({ min: -200, max: 140 }).map((n) => n * 5),
    long: fc.integer({ min: 1, max: 40 }).map((n) => n * 5),
    at: fc.integer({ min: 1, max: 70 }),
  });
  const spans = fc.array(span, { maxLength: 3 });
  fc.assert(
    fc.property(spans, spans, fc.array(piece, { maxLength: 12 }), (lost, lostLate, pieces) => {
      expect(livesWith(lost, lostLate, pieces)).toEqual(livesWith(lost, lostLate, []));
    }),
    { numRuns: 40 },
  );
});
