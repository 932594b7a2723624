import { expect, test } from 'vitest';
import { METRICS } from '../../protocol/model/metrics.ts';
import { minutes, seconds } from '../../protocol/model/units.ts';
import { chanceOf } from '../../rules/correlate/shared-fate.ts';
import { GROUP_SIGNATURES, SIGNATURES, WAITING_SIGNATURES } from '../../rules/packs/signatures.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { fires, tell } from '../support/network-facts.ts';

test('every signature has a reason and names figures that are measured', () => {
  const derived = /_ratio$|_per_s$/;
  for (const { id, reason, metrics } of [...SIGNATURES, ...GROUP_SIGNATURES]) {
    expect(reason.length, id).toBeGreaterThan(40);
    expect(metrics.length, id).toBeGreaterThan(0);
    for (const metric of metrics)
      expect(metric in METRICS || derived.test(metric), metric).toBe(true);
  }
});

test('what cannot be measured yet waits by name and is not among the signatures', () => {
  const known = new Set(SIGNATURES.map(({ id }) => id));
  for (const { id, waitingFor } of WAITING_SIGNATURES) {
    expect(known.has(id), id).toBe(false);
    expect(waitingFor.length, id).toBeGreaterThan(0);
  }
});

const network = hubAndBranches([{ id: 'lyon' }, { id: 'nice' }]);
const WAN = 'interface:hub-r1/to-lyon-mpls';

test.each([
  { signs: ['utilisation', 'loss'], cause: 'congestion', says: 'the queue overflows' },
  { signs: ['errors', 'loss'], cause: 'line errors', says: 'frames arrive damaged' },
])('$signs together are $cause, and the incident says why', ({ signs, cause, says }) => {
  const story = tell(network);
  const [port = '', line = ''] = signs;
  story.at(10, fires(port, WAN, 'a-hub'), fires(line, 'link:lyon-mpls', 'a-hub'));
  story.until(200);
  const [incident] = story.open();
  expect(incident?.root.cause).toBe(cause);
  expect(incident?.root.because.map(({ text }) => text).join('\n')).toContain(says);
});

test('delay alone may be a change of the route, and the engine says that it is not sure', () => {
  const story = tell(network);
  story.at(10, fires('latency', 'link:lyon-mpls', 'a-hub'));
  story.until(200);
  const [incident] = story.open();
  expect(incident?.root.confidence).toBe(0.6);
  expect(incident?.root.because.map(({ text }) => text).join('\n')).toContain(
    'change of the route',
  );
});

test('chance: three of ten circuits within half a minute are beyond it, two of a thousand are not', () => {
  expect(chanceOf(10, 3, seconds(30))).toBeLessThan(1e-7);
  expect(chanceOf(1_000, 2, seconds(30))).toBeGreaterThan(1e-3);
  expect(chanceOf(2_000, 200, minutes(1))).toBeLessThan(1e-9);
});
