import { describe, expect, test } from 'vitest';
import { seconds } from '../../protocol/model/units.ts';
import type { Rule } from '../../rules/settings.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import { AGENT, at, DEVICE, desk, LINK, sample, settings } from '../support/detection.ts';

const rule = (changes: Partial<Rule> & Pick<Rule, 'detector'>): Rule => ({
  id: 'composite',
  on: ['device'],
  holdFor: seconds(0),
  clearAfter: seconds(0),
  severity: 'major',
  disturbance: 'degradation',
  cause: 'overload of the device',
  reason: 'a story',
  advice: [],
  enabled: true,
  ...changes,
});

const overload = rule({
  detector: {
    kind: 'expression',
    raise: 'icmp_loss_ratio >= 20 % and device_cpu_ratio > 90 %',
    clear: 'icmp_loss_ratio == 0',
  },
});

const cpu = (second: number, value: number) =>
  sample(second, 'device_cpu_ratio', value, { subject: DEVICE, every: 60 });
const loss = (second: number, value: number) =>
  sample(second, 'icmp_loss_ratio', value, { subject: DEVICE, every: 5 });

describe('a rule that is a condition over several metrics of one subject', () => {
  test('a busy device that loses echoes is overloaded; either alone is not', () => {
    const noc = desk(settings({ rules: [overload] }));
    noc.see(0, cpu(0, 0.95), loss(0, 0));
    noc.see(5, loss(5, 0.4));
    noc.see(10, loss(10, 0));
    noc.see(60, cpu(60, 0.2));
    noc.see(65, loss(65, 0.4));
    expect(noc.alerts()).toEqual(['fired@5 composite', 'resolved@10 composite']);
    expect(noc.fired('composite')[0]?.evidence.text).toBe(
      'loss 40 %, processor load 95 %; the rule says icmp_loss_ratio >= 20 % and device_cpu_ratio > 90 %',
    );
  });

  test('between raising and clearing the alert stays as it is', () => {
    const noc = desk(settings({ rules: [overload] }));
    noc.see(0, cpu(0, 0.95), loss(0, 0.4));
    noc.see(5, loss(5, 0.2));
    noc.see(10, cpu(10, 0.1), loss(10, 0.2));
    expect(noc.alerts()).toEqual(['fired@0 composite']);
  });

  test('what nobody has measured lately neither opens nor closes', () => {
    const noc = desk(settings({ rules: [overload] }));
    noc.see(0, cpu(0, 0.95));
    // The processor was last seen nine minutes ago: three polls and a bit were missed.
    noc.see(540, loss(540, 1));
    expect(noc.alerts()).toEqual([]);
  });

  test('a mean is judged once its time has been seen', () => {
    const slow = rule({
      on: ['link'],
      detector: {
        kind: 'expression',
        raise: 'mean(icmp_rtt_ms, 1 min) > 3 * min(icmp_rtt_min_ms, 1 min)',
      },
    });
    const noc = desk(settings({ rules: [slow] }));
    for (let s = 0; s <= 120; s += 5) {
      noc.see(
        s,
        sample(s, 'icmp_rtt_ms', 40, { subject: LINK, every: 5 }),
        sample(s, 'icmp_rtt_min_ms', 10, { subject: LINK, every: 5 }),
      );
    }
    expect(noc.alerts()).toEqual(['fired@55 composite']);
  });

  test('a restart in the middle changes nothing', () => {
    const given = settings({ rules: [overload] });
    const whole = desk(given);
    whole.see(0, cpu(0, 0.95), loss(0, 0.4));
    const snapshot = JSON.parse(JSON.stringify(whole.engine.snapshot()));
    const restarted = createSiteEngine(given, snapshot);
    const end = { agent: AGENT, lane: 'live' as const, samples: [loss(5, 0.2), loss(10, 0)] };
    const instant = { now: at(10), position: 99 };
    const facts = restarted.observe(end, instant);
    expect(facts.map(({ kind }) => kind)).toContain('alert.resolved');
    expect(facts).toEqual(whole.engine.observe(end, instant));
  });
});
