import { expect } from 'vitest';
import type { Command } from '../../protocol/model/command.ts';
import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { epochMs, later } from '../../protocol/model/units.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import type { HubAndBranches } from './hub-and-branches.ts';
import { createRun, type Run, START } from './scenario-run.ts';

/** What an open incident must be; fields that are left out may be anything. */
export interface Expected {
  /** Several: any one of them (both ends of a full line tell the same). */
  readonly root: string | readonly string[];
  readonly cause?: string;
  readonly priority?: number;
  readonly users?: number;
  readonly title?: string;
  /** Subjects of all symptoms but the root's own, in any order. */
  readonly symptoms?: readonly string[];
  readonly state?: Incident['state'];
}

export interface ScenarioOptions {
  readonly network: HubAndBranches;
  /** The story is told once for each: another phase of every poll, other lost packets. */
  readonly seeds?: readonly number[];
  readonly settings?: Partial<EngineSettings>;
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

function millis(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text);
  const unit = UNITS[parts?.[2] ?? ''];
  if (parts === null || unit === undefined) throw new Error(`not a time of a story: ${text}`);
  return Number(parts[1]) * unit;
}

interface Step {
  readonly at: number;
  readonly act: (run: Run) => void;
}

/** A chapter of a story: what happens, or what must be seen, at one time. */
export interface Chapter {
  link(id: string): {
    isCut(): void;
    isMended(): void;
    loses(share: number): void;
    isSlowBy(ms: number): void;
    isSaturated(): void;
  };
  device(id: string): {
    dies(): void;
    returns(): void;
    reboots(): void;
    stopsSnmp(): void;
    startsSnmp(): void;
    clearsCounters(): void;
    port(name: string): { goesDown(): void; comesUp(): void; makesErrors(perSecond: number): void };
  };
  agent(id: string): {
    stops(): void;
    starts(): void;
    /** It goes on measuring and keeps what it sees for later. */
    losesTheCollector(): void;
    findsTheCollector(): void;
  };
  server(): { stops(): void; starts(): void; isCutOff(): void; isReachable(): void };
  person(by: string): {
    acknowledges(root: string, howLong: string): void;
    closes(root: string): void;
    takesOver(root: string): void;
    givesBack(root: string): void;
    merges(root: string, into: string): void;
    /** The subject becomes a trouble of its own. */
    splits(root: string, subject: string): void;
    saysNotTheCause(root: string): void;
  };
  /** Work on the subjects is announced, from this chapter until then. */
  maintenance(...subjects: readonly string[]): { isAnnounced(until: string): void };
  /** Exactly these incidents are open, in any order. */
  expectOpen(...incidents: readonly Expected[]): void;
  /** So many incidents have ever been opened: each is a ticket. */
  expectTickets(count: number): void;
  /** The newest incident of the root is over, ended by the engine. */
  expectResolved(root: string): void;
  /** The record holds these outages of the past, of which nobody was told at the time. */
  expectFoundLater(...roots: readonly string[]): void;
  /** How long the newest incident of the root lasted by the record: give or take `within` (30s). */
  expectLasted(root: string, howLong: string, within?: string): void;
  /** Somebody asking "why did this not page me?" finds this kind of reason for the subject. */
  expectSuppressed(subject: string, kind: string): void;
}

export interface Story {
  at(time: string): Chapter;
  /** Tells the story; after the last chapter nothing more happens. */
  run(): void;
}

const set = <T extends object>(state: T, change: Partial<T>): void => {
  Object.assign(state, change);
};

export function scenario({ network, seeds = [1, 2, 3], settings }: ScenarioOptions): Story {
  const steps: Step[] = [];
  const complete: EngineSettings = {
    installation: 'story',
    ...network,
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
    ...settings,
  };

  function at(time: string): Chapter {
    const when = START + millis(time);
    const then = (act: (run: Run) => void): void => {
      steps.push({ at: when, act });
    };
    const openOf = (run: Run, root: string): Incident => {
      const found = run.open().find((incident) => incident.subject === root);
      if (found === undefined) throw new Error(`no open incident of ${root}`);
      return found;
    };
    const order = (command: (run: Run) => Command): void => then((run) => run.order(command(run)));
    return {
      link: (id) => ({
        isCut: () => then(({ world }) => set(world.link(id), { isCut: true })),
        isMended: () =>
          then(({ world }) =>
            set(world.link(id), {
              isCut: false,
              loss: 0,
              delayMs: 0,
              isSaturated: false,
            }),
          ),
        loses: (share) => then(({ world }) => set(world.link(id), { loss: share })),
        isSlowBy: (ms) => then(({ world }) => set(world.link(id), { delayMs: ms })),
        isSaturated: () => then(({ world }) => set(world.link(id), { isSaturated: true })),
      }),
      device: (id) => ({
        dies: () => then(({ world }) => set(world.device(id), { isDead: true })),
        returns: () => then((run) => run.boot(id)),
        reboots: () => then((run) => run.boot(id)),
        stopsSnmp: () => then(({ world }) => set(world.device(id), { hasSnmp: false })),
        startsSnmp: () => then(({ world }) => set(world.device(id), { hasSnmp: true })),
        clearsCounters: () => then((run) => set(run.world.device(id), { cleared: run.now() })),
        port: (name) => ({
          goesDown: () => then(({ world }) => void world.device(id).downPorts.add(name)),
          comesUp: () => then(({ world }) => void world.device(id).downPorts.delete(name)),
          makesErrors: (n) =>
            then(({ world }) => void world.device(id).errorsPerSecond.set(name, n)),
        }),
      }),
      agent: (id) => ({
        stops: () => then(({ world }) => void world.stopped.add(id)),
        starts: () => then(({ world }) => void world.stopped.delete(id)),
        losesTheCollector: () => then(({ world }) => void world.unheard.add(id)),
        findsTheCollector: () => then(({ world }) => void world.unheard.delete(id)),
      }),
      server: () => ({
        stops: () => then(({ world }) => set(world.collector, { isRunning: false })),
        starts: () => then((run) => run.startServer()),
        isCutOff: () => then(({ world }) => set(world.collector, { isCutOff: true })),
        isReachable: () => then(({ world }) => set(world.collector, { isCutOff: false })),
      }),
      person: (by) => ({
        acknowledges: (root, howLong) =>
          order((run) => ({
            kind: 'acknowledge',
            incident: openOf(run, root).id,
            by,
            until: later(epochMs(run.now()), millis(howLong) as never),
          })),
        closes: (root) => order((run) => ({ kind: 'close', incident: openOf(run, root).id, by })),
        takesOver: (root) =>
          order((run) => ({ kind: 'take-over', incident: openOf(run, root).id, by })),
        givesBack: (root) =>
          order((run) => ({ kind: 'unacknowledge', incident: openOf(run, root).id, by })),
        merges: (root, into) =>
          order((run) => ({
            kind: 'merge',
            incident: openOf(run, root).id,
            into: openOf(run, into).id,
            by,
          })),
        splits: (root, subject) =>
          order((run) => {
            const { id, symptoms } = openOf(run, root);
            const alert = symptoms.find((symptom) => symptom.subject === subject)?.alert;
            if (alert === undefined) throw new Error(`${subject} is no symptom of ${root}`);
            return { kind: 'split', incident: id, alert, by };
          }),
        saysNotTheCause: (root) =>
          order((run) => {
            const { id, root: suspect } = openOf(run, root);
            return { kind: 'not-the-cause', incident: id, alert: suspect.alert, by };
          }),
      }),
      maintenance: (...subjects) => ({
        isAnnounced: (until) =>
          then((run) =>
            run.configure({
              ...complete,
              maintenance: [
                {
                  id: 'work',
                  name: 'announced work',
                  subjects: subjects as readonly SubjectKey[],
                  from: epochMs(when),
                  until: epochMs(START + millis(until)),
                },
              ],
            }),
          ),
      }),
      expectOpen: (...incidents) => then((run) => compareOpen(run, incidents)),
      expectTickets: (count) => then((run) => expect(run.opened(), 'tickets').toBe(count)),
      expectResolved: (root) =>
        then((run) => {
          const last = run.incidents().findLast((incident) => incident.subject === root);
          expect(last?.state, `newest incident of ${root}`).toBe('resolved');
        }),
      expectFoundLater: (...roots) =>
        then((run) => {
          const found = run.incidents().filter((one) => one.foundLater !== undefined);
          expect(found.map((one) => one.subject).sort(), 'found later').toEqual([...roots].sort());
          expect(found.every((one) => one.state === 'resolved')).toBe(true);
        }),
      expectLasted: (root, howLong, within = '30s') =>
        then((run) => {
          const last = run.incidents().findLast((incident) => incident.subject === root);
          const lasted = (last?.resolvedAt ?? Number.NaN) - (last?.onsetAt ?? 0);
          const off = Math.abs(lasted - millis(howLong));
          expect(off, `${root} lasted ${lasted / 1000}s`).toBeLessThan(millis(within));
        }),
      expectSuppressed: (subject, kind) =>
        then((run) => {
          const reasons = run.facts.filter((f) => f.kind === 'alert.suppressed');
          const kinds = reasons.filter((f) => f.subject === subject).map((f) => f.because.kind);
          expect(kinds, `why ${subject} opened nothing`).toContain(kind);
        }),
    };
  }

  function tell(seed: number): void {
    const run = createRun(complete, seed);
    for (const step of steps.toSorted((a, b) => a.at - b.at)) {
      run.until(step.at);
      try {
        step.act(run);
      } catch (cause) {
        const told = run.facts
          .filter(isIncidentFact)
          .map((fact) => summary(fact))
          .join('\n');
        const error = cause as Error;
        error.message += `\n  at ${(step.at - START) / 1000}s, seed ${seed}. What was told:\n${told}`;
        throw error;
      }
    }
  }

  return {
    at,
    run: () => {
      for (const seed of seeds) tell(seed);
    },
  };
}

function summary(fact: Fact & { view: Incident; incident: string }): string {
  const { root, priority, symptoms, subject } = fact.view;
  const seconds = (fact.at - START) / 1000;
  return `${seconds}s ${fact.kind} ${fact.incident} ${subject} ${root.cause} P${priority} +${symptoms.length}`;
}

function compareOpen(run: Run, incidents: readonly Expected[]): void {
  const open = run.open();
  const left = [...open];
  for (const { root, cause, symptoms, ...rest } of incidents) {
    const index = left.findIndex((incident) => [root].flat().includes(incident.subject));
    const found = left[index];
    expect(found, `open incident of ${root}`).toBeDefined();
    left.splice(index, 1);
    expect(found).toMatchObject(rest);
    if (cause !== undefined) expect(found?.root.cause, `cause of ${root}`).toBe(cause);
    if (symptoms === undefined) continue;
    const subjects = new Set(found?.symptoms.map((symptom) => symptom.subject));
    subjects.delete(found?.subject ?? 'site:none');
    expect([...subjects].sort(), `symptoms of ${root}`).toEqual([...symptoms].sort());
  }
  expect(
    left.map((incident) => incident.title),
    'further open incidents',
  ).toEqual([]);
}
