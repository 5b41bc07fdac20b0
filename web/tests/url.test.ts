import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PRESETS, type Setting, SETTINGS } from '../src/gen';
import {
  DEEPEST,
  DEFAULT_PRESET,
  DEFAULT_QUESTION,
  parse,
  preset,
  read,
  same,
  show,
  valueOf,
  withSetting,
  write,
} from '../src/state/url';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

function values(setting: Setting): fc.Arbitrary<string | number | number[]> {
  switch (setting.kind) {
    case 'integer':
      return fc.nat();
    case 'number':
      return finite;
    case 'text':
      return fc.string();
    case 'numbers':
      return fc.array(finite, { maxLength: 4 });
    case 'choice':
      return fc.constantFrom(...setting.choices);
    default:
      return setting.kind satisfies never;
  }
}

const changes = fc.tuple(...SETTINGS.map((s) => fc.option(values(s), { freq: 3 })));

const questions = fc.record({
  prompt: fc.string(),
  temperature: fc.double({ min: 0, max: 5, noNaN: true }),
  topK: fc.nat(100),
  seed: fc.nat(),
  depthA: fc.integer({ min: 1, max: DEEPEST }),
  depthB: fc.integer({ min: 1, max: DEEPEST }),
});

describe('the address', () => {
  test('gives back every configuration and question that was written', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PRESETS),
        changes,
        questions,
        fc.constantFrom('auto', 'cpu', 'gpu'),
        fc.boolean(),
        (base, changed, question, device, software) => {
          let config = base.config;
          for (const [i, setting] of SETTINGS.entries()) {
            const value = changed[i] ?? null;
            if (value !== null) config = withSetting(config, setting, value);
          }
          const page = read(write({ preset: base.name, config, question, device, software }));
          expect(page.problems).toEqual([]);
          expect(page.preset).toBe(base.name);
          expect(page.device).toBe(device);
          expect(page.software).toBe(software);
          expect(same(page.config, config)).toBe(true);
          for (const key of ['prompt', 'topK', 'seed', 'depthA', 'depthB'] as const) {
            expect(page.question[key]).toBe(question[key]);
          }
          expect(page.question.temperature).toBeCloseTo(question.temperature, 12);
        },
      ),
    );
  });

  test('says only what differs', () => {
    const config = preset(DEFAULT_PRESET);
    expect(config).not.toBeNull();
    if (!config) return;
    const page = { preset: DEFAULT_PRESET, config, question: DEFAULT_QUESTION };
    expect(write({ ...page, device: 'auto', software: false })).toBe(`?preset=${DEFAULT_PRESET}`);
  });

  test('an empty one is the default run, and asks for nothing', () => {
    const page = read('');
    expect(page).toMatchObject({ preset: DEFAULT_PRESET, explicit: false, device: 'auto' });
    expect(page.config).toEqual(preset(DEFAULT_PRESET));
    expect(page.problems).toEqual([]);
  });

  test('names what cannot be read, and uses the rest', () => {
    const page = read('?preset=nope&hidden_size=wide&n_layers=-1&decay=some&block_size=16&top_k=x');
    expect(page.problems).toEqual([
      'There is no preset “nope”.',
      '“wide” cannot be the hidden_size.',
      '“-1” cannot be the n_layers.',
      '“some” cannot be the decay.',
    ]);
    expect(page.config.model.block_size).toBe(16);
    expect(page.question.topK).toBe(DEFAULT_QUESTION.topK);
    expect(page.explicit).toBe(true);
  });

  test('names settings that there are not', () => {
    expect(read('?hiden_size=32').problems).toEqual(['There is no setting “hiden_size”.']);
  });

  test('keeps depths within the sliders', () => {
    const { question } = read('?depth=99&compare=0');
    expect([question.depthA, question.depthB]).toEqual([1, DEEPEST]);
  });
});

describe('a setting', () => {
  test('is read back from how it is shown', () => {
    for (const { config } of PRESETS) {
      for (const setting of SETTINGS) {
        const value = valueOf(config, setting);
        expect(parse(setting, show(value))).toEqual(value);
      }
    }
  });

  test.each([
    ['integer', ['', ' ', '1.5', '-1', 'x', '1e99', 'Infinity']],
    ['number', ['', 'x', 'NaN', 'Infinity']],
    ['numbers', ['1,x', '1,NaN']],
    ['choice', ['', 'neither']],
  ] as const)('of kind %s refuses what is none', (kind, texts) => {
    const setting = SETTINGS.find((s) => s.kind === kind);
    expect(setting).toBeDefined();
    if (!setting) return;
    for (const text of texts) expect(parse(setting, text)).toBeNull();
  });

  test('changes one configuration and not the other', () => {
    for (const setting of SETTINGS) {
      const base = PRESETS[0]?.config;
      if (!base || setting.kind !== 'integer') continue;
      const changed = withSetting(base, setting, 123456);
      expect(valueOf(changed, setting)).toBe(123456);
      expect(valueOf(base, setting)).not.toBe(123456);
      expect(same(base, changed)).toBe(false);
    }
  });
});
