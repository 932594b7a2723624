import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCondition, operandText } from '../../rules/express/compile.ts';
import { holds } from '../../rules/express/evaluate.ts';

const wrong = (text: string): string => {
  const result = compileCondition(text);
  return result.ok ? 'fine' : `${result.offset}: ${result.message}`;
};

/** What the condition says when its operands have these figures. */
function say(text: string, figures: Record<string, number>): boolean | undefined {
  const result = compileCondition(text);
  if (!result.ok) throw new Error(result.message);
  return holds(result.condition.tree, (operand) => figures[operandText(operand)]);
}

describe('a condition', () => {
  test('compares figures in the units people write', () => {
    expect(say('icmp_rtt_ms > 0.15 s', { icmp_rtt_ms: 151 })).toBe(true);
    expect(say('icmp_rtt_ms > 150 ms', { icmp_rtt_ms: 150 })).toBe(false);
    expect(say('icmp_loss_ratio >= 5 %', { icmp_loss_ratio: 0.05 })).toBe(true);
    expect(say('icmp_loss_ratio >= 0.05', { icmp_loss_ratio: 0.05 })).toBe(true);
    expect(say('if_speed_bps < 100 Mbit/s', { if_speed_bps: 1e8 })).toBe(false);
    expect(say('if_in_errors_per_s > 60/min', { if_in_errors_per_s: 1.1 })).toBe(true);
    expect(say('device_temperature_celsius > 70 °C', { device_temperature_celsius: 71 })).toBe(
      true,
    );
    expect(say('if_oper_up == 0', { if_oper_up: 0 })).toBe(true);
  });

  test('folds a metric over trailing time', () => {
    const text = 'mean(icmp_loss_ratio, 1 min) > 5% and max(device_cpu_ratio, 5m) < 50 %';
    expect(
      say(text, { 'mean(icmp_loss_ratio, 60 s)': 0.1, 'max(device_cpu_ratio, 300 s)': 0.4 }),
    ).toBe(true);
  });

  test('reckons with precedence as in school', () => {
    expect(
      say('icmp_rtt_ms - icmp_rtt_min_ms * 2 > 0', { icmp_rtt_ms: 5, icmp_rtt_min_ms: 2 }),
    ).toBe(true);
    expect(
      say('(icmp_rtt_ms - icmp_rtt_min_ms) * 2 > 7 ms', { icmp_rtt_ms: 5, icmp_rtt_min_ms: 2 }),
    ).toBe(false);
    expect(say('icmp_rtt_ms / icmp_rtt_min_ms > 2', { icmp_rtt_ms: 5, icmp_rtt_min_ms: 2 })).toBe(
      true,
    );
    expect(say('-icmp_rtt_ms < -4 ms', { icmp_rtt_ms: 5 })).toBe(true);
  });

  test('knows that it does not know', () => {
    const loss = 'icmp_loss_ratio > 0.5';
    const cpu = 'device_cpu_ratio > 0.5';
    expect(say(`${loss} and ${cpu}`, { icmp_loss_ratio: 1 })).toBeUndefined();
    expect(say(`${loss} and ${cpu}`, { icmp_loss_ratio: 0 })).toBe(false);
    expect(say(`${loss} or ${cpu}`, { icmp_loss_ratio: 1 })).toBe(true);
    expect(say(`not ${loss}`, {})).toBeUndefined();
    expect(
      say('icmp_rtt_ms / icmp_rtt_min_ms > 2', { icmp_rtt_ms: 5, icmp_rtt_min_ms: 0 }),
    ).toBeUndefined();
  });

  test.each([
    [
      'icmp_rtt_ms > 150',
      '14: expected a time, found a bare figure: write a unit behind it, such as ms',
    ],
    ['icmp_rtt_ms > 5 %', '14: a time cannot be compared with or added to a ratio'],
    ['icmp_loss_ratio', '0: expected a condition, found a figure: compare it with something'],
    ['icmp_los > 1 %', '0: there is no metric "icmp_los"'],
    [
      'if_in_octets_total > 1',
      '0: if_in_octets_total is a counter, which only grows; judge its rate',
    ],
    ['mean(icmp_loss_ratio) > 1 %', '20: expected ",", found ")"'],
    ['mean(icmp_loss_ratio, 5) > 1 %', '23: expected s, min, h or d, found ")"'],
    ['mean(icmp_loss_ratio, 0 s) > 1 %', '22: expected 1 s to 7 d'],
    ['icmp_loss_ratio > 1 % &', '22: "&" means nothing here'],
    [
      'icmp_loss_ratio > 1 % icmp_rtt_ms',
      '22: expected "and", "or" or the end, found "icmp_rtt_ms"',
    ],
    ['(icmp_loss_ratio > 1 %', '22: expected ")", found the end'],
    ['1 > 2', '0: names no metric'],
    ['', '0: expected a metric, a figure or "(", found the end'],
    ['icmp_rtt_ms and icmp_rtt_ms > 1 ms', '0: expected a condition, found a figure'],
  ])('%s is refused at the place and with the reason', (text, message) => {
    expect(wrong(text)).toBe(message);
  });

  test('cannot be nested or stretched without end', () => {
    expect(wrong(`${'('.repeat(40)}icmp_rtt_ms > 1 ms${')'.repeat(40)}`)).toMatch(/nested deeper/);
    expect(wrong(`icmp_rtt_ms > 1 ms${' '.repeat(2000)}`)).toMatch(/longer than 2000/);
  });

  test('any text gives a condition or a problem inside it, never an exception', () => {
    const words = fc.constantFrom(
      'icmp_rtt_ms',
      'icmp_loss_ratio',
      'mean',
      'max',
      '(',
      ')',
      ',',
      '>',
      '<=',
      'and',
      'or',
      'not',
      '5',
      '1.5',
      '%',
      'ms',
      's',
      '/',
      '*',
      '-',
      '€',
      'constructor',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), fc.string(), (list, noise) => {
        for (const text of [list.join(' '), list.join(''), noise]) {
          const result = compileCondition(text);
          if (!result.ok) expect(result.offset).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });
});
