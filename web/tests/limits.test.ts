import { describe, expect, test } from 'vitest';

import { PRESETS, SETTINGS } from '../src/gen';
import { rangeOf, said, stepped, within } from '../src/run/limits';
import { mostOf, parse, settingOf, settingsOf, valueOf } from '../src/run/settings';

test('an arrow key leads on from what is typed, where that is good, and not out of the range', () => {
  const whole = { least: 1, most: 9, whole: true };
  expect(stepped(whole, 5, null, 1)).toBe(6);
  expect(stepped(whole, 5, '7', -1)).toBe(6);
  for (const wrong of ['', 'x', '70', '2.5']) expect(stepped(whole, 5, wrong, 1)).toBe(6);
  expect([stepped(whole, 5, '9', 1), stepped(whole, 1, null, -1)]).toEqual([9, 1]);
  expect(stepped({ ...whole, whole: false }, 1, '1.2', 1)).toBe(1.3);
});

/** Which of some texts are values of a setting. */
function taken(key: string, texts: readonly string[]): string[] {
  const setting = settingOf(key);
  return texts.filter((text) => setting && parse(setting, text) !== null);
}

describe('the range of a setting', () => {
  test('is the one that the engine checks', () => {
    expect(taken('val_fraction', ['0', '0.9', '0.91', '0.99'])).toEqual(['0', '0.9']);
    for (const key of ['learning_rate', 'min_lr']) {
      expect(taken(key, ['0', '1', '1.1', '-0.1'])).toEqual(['0', '1']);
    }
    for (const key of ['recursion_steps', 'halt_max_steps', 'outer_steps']) {
      expect(taken(key, ['0', '1', '64', '65'])).toEqual(['1', '64']);
    }
    for (const key of ['beta1', 'beta2', 'muon_momentum']) {
      expect(taken(key, ['0', '0.999999', '1'])).toEqual(['0', '0.999999']);
    }
    expect(taken('ema_decay', ['0', '0.9999999', '1'])).toEqual(['0', '0.9999999']);
    expect(taken('dropout', ['0', '0.95', '0.99'])).toEqual(['0', '0.95']);
    expect(taken('expansion', ['0', '0.01', '64'])).toEqual(['0.01', '64']);
    expect(taken('max_iters', ['0', '1', '16777216', '16777217'])).toEqual(['1', '16777216']);
    expect(taken('pixel_std', ['', '0.5,1', '0', '0.5,0'])).toEqual(['', '0.5,1']);
    expect(mostOf('seed')).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('is narrower on the page where a tab cannot do as much, and never wider', () => {
    expect(taken('hidden_size', ['0', '1', '4096', '4097'])).toEqual(['1', '4096']);
    expect(taken('l_cycles', ['64', '65'])).toEqual(['64']);
    for (const setting of SETTINGS) {
      const range = rangeOf(setting);
      if (!range) continue;
      const [lowest, highest] = setting.range ?? [0, 1e9];
      expect(range.least, setting.key).toBe(lowest);
      expect(range.most, setting.key).toBeLessThanOrEqual(highest);
      expect(range.least, setting.key).toBeLessThan(range.most);
    }
  });

  test('holds the values of all presets', () => {
    for (const { name, config } of PRESETS) {
      for (const setting of settingsOf(config)) {
        const range = rangeOf(setting);
        const value = Number(valueOf(config, setting));
        if (range) expect(within(range, value), `${name}: ${setting.key}`).toBe(true);
      }
    }
  });

  test('is said without rounding', () => {
    const ranges = ['ema_decay', 'adam_eps', 'hidden_size'].map((key) => {
      const setting = settingOf(key);
      const range = setting && rangeOf(setting);
      return range && said(range);
    });
    expect(ranges).toEqual([
      'a number from 0 to 0.9999999',
      'a number from 1e-37 to 1',
      'a whole number from 1 to 4,096',
    ]);
  });
});
