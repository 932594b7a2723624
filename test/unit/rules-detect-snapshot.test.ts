import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import { packPlain, unpackPlain } from '../../rules/detect/plain.ts';
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

describe('snapshots of detection', () => {
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
    const feed = (second: number) => {
      const samples = [
        sample(second, 'stamp_loss_ratio', (second % 3) / 5, { subject: LINK, every: 5 }),
        sample(second, 'stamp_rtt_ms', 20 + second, { subject: LINK, every: 5 }),
        sample(second, 'device_uptime_ticks', second * 100, { subject: DEVICE, every: 5 }),
        sample(second, 'if_speed_bps', 1e8, { subject: PORT, every: 5 }),
        sample(second, 'if_in_octets_total', BigInt(second) * 9_000_000n, {
          subject: PORT,
          every: 5,
          bits: 64,
        }),
      ];
      const now = epochMs((samples[0] as (typeof samples)[number]).at + 1000);
      engine.observe(batch(samples), { now, position: second });
    };
    for (let second = 0; second < 900; second += 5) feed(second);
    const taken = engine.snapshot();
    const before = JSON.stringify(taken);
    for (let second = 900; second < 1800; second += 5) feed(second);
    expect(JSON.stringify(taken)).toBe(before);
  });
});
