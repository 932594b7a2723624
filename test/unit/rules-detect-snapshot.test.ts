import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import type { SiteEngine } from '../../rules/contract.ts';
import { packPlain, unpackPlain } from '../../rules/detect/plain.ts';
import { createRegistry } from '../../rules/detect/registry.ts';
import { repack } from '../../rules/detect/repack.ts';
import { createScope } from '../../rules/detect/scope.ts';
import { registryState, restoreRegistry } from '../../rules/detect/snapshot.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import { batch, DEVICE, LINK, PORT, sample, settings } from '../support/detection.ts';

const figure = fc.oneof(
  fc.constant(0),
  fc.double({ noNaN: true }).map((n) => n + 0),
);
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    figure,
    fc.boolean(),
    fc.constant(null),
    fc.array(figure, { maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** A link, a device and a port, every five seconds of a story, with counters beyond 2^53. */
function feedSecond(engine: SiteEngine, second: number): void {
  const every = 5;
  const port = { subject: PORT, every, bits: 64 } as const;
  const samples = [
    sample(second, 'stamp_loss_ratio', (second % 3) / 5, { subject: LINK, every }),
    sample(second, 'stamp_rtt_ms', 20 + (second % 60), { subject: LINK, every }),
    sample(second, 'icmp_loss_ratio', second % 100 === 0 ? 1 : 0, { subject: DEVICE, every }),
    sample(second, 'device_uptime_ticks', second * 100, { subject: DEVICE, every }),
    sample(second, 'bgp_peers_established', 4, { subject: DEVICE, every }),
    sample(second, 'if_speed_bps', 1e8, { subject: PORT, every }),
    sample(second, 'if_in_octets_total', 2n ** 60n + BigInt(second) * 9_000_000n, port),
    sample(second, 'if_in_errors_total', BigInt(second >> 4), port),
  ];
  const now = epochMs((samples[0] as (typeof samples)[number]).at + 1000);
  engine.observe(batch(samples), { now, position: second });
}

describe('snapshots of detection', () => {
  test('numbers that are laid out anew say what they said, and a changed rule leaves nothing', () => {
    const engine = createSiteEngine(settings());
    for (let second = 0; second < 7200; second += 5) feedSecond(engine, second);
    const { registry: taken } = JSON.parse(JSON.stringify(engine.snapshot()));
    const scope = createScope(settings());
    const registry = createRegistry(() => scope);
    restoreRegistry(registry, scope, taken, () => {});
    const stateNow = () => JSON.parse(JSON.stringify(registryState(registry)));
    const length = () => [...registry.all()].reduce((sum, { marks }) => sum + marks.length, 0);
    const repackAll = (rule?: string) => {
      for (const watched of registry.all()) {
        repack(watched, new Set(watched.cells.filter((cell) => cell.compiled.rule.id === rule)));
      }
      registry.relink();
    };
    const before = length();
    for (let n = 0; n < 20; n++) repackAll();
    expect(stateNow()).toEqual(taken);
    expect(length()).toBe(before);

    repackAll('link-loss');
    expect(length()).toBeLessThan(before);
    const states = (of: typeof taken) =>
      of.watched.flatMap(({ cells }: { cells: { rule: string; state: unknown }[] }) =>
        cells.map(({ rule, state }) => (rule === 'link-loss' ? [rule] : [rule, state])),
      );
    expect(states(stateNow())).toEqual(states(taken));
    expect(stateNow()).not.toEqual(taken);
  });

  test('what is packed comes back exactly, also through JSON', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(unpackPlain(packPlain(value))).toEqual(value);
        const finite = JSON.parse(JSON.stringify(value));
        expect(unpackPlain(JSON.parse(JSON.stringify(packPlain(finite))))).toEqual(finite);
      }),
    );
  });

  test('a ring of zeros is one word', () => {
    expect(packPlain([1, ...new Array<number>(167).fill(0)])).toEqual([1, '0x167']);
  });

  test('later samples do not reach into a snapshot', () => {
    const engine = createSiteEngine(settings());
    for (let second = 0; second < 900; second += 5) feedSecond(engine, second);
    const taken = engine.snapshot();
    const before = JSON.stringify(taken);
    for (let second = 900; second < 1800; second += 5) feedSecond(engine, second);
    expect(JSON.stringify(taken)).toBe(before);
  });
});
