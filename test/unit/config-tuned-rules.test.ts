import { describe, expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import { engineSettings } from '../../config/map.ts';
import { problemText } from '../../config/problem.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { createScope } from '../../rules/detect/scope.ts';

const NETWORK = `sites: [{ id: hub, hub: true }, { id: lyon }, { id: nice }]
agents: [{ id: a1, site: hub }]
links:
  - { id: lyon-mpls, kind: wan, site: lyon, probes: [{ from: a1, icmp: 192.0.2.1 }] }
  - { id: nice-mpls, kind: wan, site: nice, probes: [{ from: a1, icmp: 192.0.2.2 }] }
  - { id: nice-sat, kind: internet, site: nice, probes: [{ from: a1, icmp: 192.0.2.3 }] }
`;

/** Limits of the rules of one id that hold for a subject; "off" where none does. */
function limits(rules: string, id: string, subject: SubjectKey): (number | 'off')[] {
  const loaded = loadConfigText(`${NETWORK}rules:\n${rules}`, 'vedette.yaml');
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
  const scope = createScope(engineSettings(loaded.config, 'test', DEFAULT_PACK));
  const found = scope
    .rulesOf(subject)
    .flatMap(({ rule }) =>
      rule.id === id && rule.detector.kind === 'threshold' ? [rule.detector.band.raiseAt] : [],
    );
  return found.length === 0 ? ['off'] : found;
}

const wrong = (rules: string): string => {
  const loaded = loadConfigText(`${NETWORK}rules:\n${rules}`, 'vedette.yaml');
  return loaded.ok ? '' : loaded.problems.map(problemText).join('\n');
};

describe('a shipped rule tuned for some subjects', () => {
  const SATELLITE = `  - id: link-latency
    raiseAt: 700
    clearAt: 650
    where: { subjects: ['link:nice-sat'] }
`;

  test('has the other figures there and stays as it is elsewhere', () => {
    expect(limits(SATELLITE, 'link-latency', 'link:nice-sat')).toEqual([700]);
    expect(limits(SATELLITE, 'link-latency', 'link:nice-mpls')).toEqual([150]);
  });

  test('a subject has one set of figures: the first that matches it', () => {
    const rules = `${SATELLITE}  - { id: link-latency, raiseAt: 300, clearAt: 250, where: { sites: [nice] } }
  - { id: link-latency, raiseAt: 200, clearAt: 180 }
`;
    expect(limits(rules, 'link-latency', 'link:nice-sat')).toEqual([700]);
    expect(limits(rules, 'link-latency', 'link:nice-mpls')).toEqual([300]);
    expect(limits(rules, 'link-latency', 'link:lyon-mpls')).toEqual([200]);
  });

  test('is silenced for them alone, or watched for them alone', () => {
    const off = '  - { id: link-latency, enabled: false, where: { sites: [nice] } }\n';
    expect(limits(off, 'link-latency', 'link:nice-mpls')).toEqual(['off']);
    expect(limits(off, 'link-latency', 'link:lyon-mpls')).toEqual([150]);
    const only = `  - { id: link-latency, enabled: false }
  - { id: link-latency, enabled: true, where: { sites: [lyon] } }
`;
    expect(limits(only, 'link-latency', 'link:lyon-mpls')).toEqual([150]);
    expect(limits(only, 'link-latency', 'link:nice-mpls')).toEqual(['off']);
  });

  test('never watches more than the rule does', () => {
    const rules = '  - { id: lan-latency, raiseAt: 40, clearAt: 30, where: { sites: [nice] } }\n';
    expect(limits(rules, 'lan-latency', 'link:nice-sat')).toEqual(['off']);
  });

  test('only one change may be for all subjects', () => {
    const rules = `  - { id: link-latency, raiseAt: 200, clearAt: 180 }
  - { id: link-latency, raiseAt: 300, clearAt: 280 }
`;
    expect(wrong(rules)).toMatch(
      /vedette\.yaml:9:11: rules\[1\]\.id: "link-latency" is already used in rules; say with where/,
    );
  });
});
