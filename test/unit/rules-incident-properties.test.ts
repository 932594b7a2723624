import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import {
  answers,
  clears,
  fires,
  heard,
  type Report,
  silent,
  tell,
} from '../support/network-facts.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2, otherLinks: ['inet'], overlay: true },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);

const SUBJECTS: readonly SubjectKey[] = [
  ...network.inventory.links.map((link): SubjectKey => `link:${link.id}`),
  ...network.inventory.devices.map((device): SubjectKey => `device:${device.id}`),
];
const AGENTS = network.inventory.agents.map((agent) => agent.id);

const report = (): fc.Arbitrary<Report> => {
  const subject = fc.constantFrom(...SUBJECTS);
  const agent = fc.constantFrom(...AGENTS);
  const rule = fc.constantFrom('unreachable', 'loss', 'latency');
  return fc.oneof(
    fc.tuple(rule, subject, agent).map(([r, s, a]) => fires(r, s, a)),
    fc.tuple(rule, subject, agent).map(([r, s, a]) => clears(r, s, a)),
    fc.tuple(subject, agent).map(([s, a]) => answers(s, a)),
    agent.map((a) => silent(a)),
    agent.map((a) => heard(a)),
    fc
      .tuple(rule, subject, agent, fc.boolean())
      .map(
        ([blind, on, by, isBack]): Report =>
          isBack ? { blind, on, by, back: true } : { blind, on, by },
      ),
  );
};

const inputs = () =>
  fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.array(report(), { maxLength: 6 })), {
    maxLength: 25,
  });

/** An order that has nothing to do with the first one. */
const shuffled = (reports: readonly Report[]): Report[] =>
  [...reports].sort((a, b) => {
    const [x, y] = [
      JSON.stringify(a).split('').reverse().join(''),
      JSON.stringify(b).split('').reverse().join(''),
    ];
    return x < y ? -1 : Number(x > y);
  });

test('the order of facts inside one input changes nothing', () => {
  fc.assert(
    fc.property(inputs(), (script) => {
      const one = tell(network);
      const other = tell(network);
      let second = 0;
      for (const [pause, reports] of script) {
        second += pause;
        one.at(second, ...reports);
        other.at(second, ...shuffled(reports));
      }
      expect(other.facts).toEqual(one.facts);
    }),
    { numRuns: 200 },
  );
});

test('a snapshot taken and restored at any moment changes nothing that follows', () => {
  fc.assert(
    fc.property(inputs(), fc.integer({ min: 0, max: 25 }), (script, when) => {
      const one = tell(network);
      const other = tell(network);
      let second = 0;
      script.forEach(([pause, reports], index) => {
        second += pause;
        one.at(second, ...reports);
        other.at(second, ...reports);
        if (index === when) other.restart();
      });
      one.until(second + 100);
      other.until(second + 100);
      expect(other.facts).toEqual(one.facts);
      expect(other.engine().snapshot()).toEqual(one.engine().snapshot());
    }),
    { numRuns: 200 },
  );
});

test('when every alert has cleared, every incident is resolved', () => {
  fc.assert(
    fc.property(inputs(), (script) => {
      const story = tell(network);
      let second = 0;
      for (const [pause, reports] of script) {
        second += pause;
        story.at(second, ...reports);
      }
      const firing = (story.engine().snapshot() as Snapshot).alerts.firing;
      second += 5;
      story.at(
        second,
        ...firing.map(({ alert }) => clears(alert.rule, alert.subject, alert.agent)),
      );
      story.until(second + 400);
      expect(story.open()).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

interface Snapshot {
  readonly alerts: {
    readonly firing: readonly {
      readonly alert: {
        readonly rule: string;
        readonly subject: SubjectKey;
        readonly agent: string;
      };
    }[];
  };
}
