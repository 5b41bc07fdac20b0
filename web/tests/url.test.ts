import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, PRESETS, type Setting, SETTINGS } from '../src/gen';
import {
  type ComparisonPlan,
  encode,
  MOST_STEPS,
  type Side,
  withOverride,
} from '../src/rooms/language/comparison-plan';
import { DEFAULT_PRESET, preset, presetFor } from '../src/run/presets';
import {
  LIVE,
  mostOf,
  parse,
  same,
  settingsOf,
  show,
  valueOf,
  withSetting,
} from '../src/run/settings';
import { rangeOf } from '../src/run/limits';
import { DEEPEST, MOST_COMPARED, DEFAULT_OPTIONS, read, write } from '../src/rooms/language/url';
import { readImages } from '../src/rooms/images/url';
import { readPuzzle } from '../src/rooms/puzzles/url';
import { lengthOf } from '../src/gen';

const positive = fc.double({ min: 1e-300, max: 1, noNaN: true });

function values(setting: Setting): fc.Arbitrary<string | number | boolean | number[]> {
  switch (setting.kind) {
    case 'integer':
    case 'number': {
      const { least = 0, most = 0, whole = true } = rangeOf(setting) ?? {};
      const bounds = { min: Math.max(least, -1e300), max: Math.min(most, 1e300) };
      // An address does not tell -0 from 0.
      return whole ? fc.integer(bounds) : fc.double({ ...bounds, noNaN: true }).map((n) => n + 0);
    }
    case 'text':
      return fc.string();
    case 'numbers': {
      const [min, max] = setting.range ?? [-1e9, 1e9];
      const number = fc.double({ min, max, noNaN: true }).map((n) => n + 0);
      return fc.array(number, { maxLength: 4 });
    }
    case 'flag':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...setting.choices);
    default:
      return setting.kind satisfies never;
  }
}

const changes = fc.tuple(...SETTINGS.map((s) => fc.option(values(s), { freq: 3 })));

const depths = fc.integer({ min: 1, max: DEEPEST });

const anyOptions = fc.record({
  prompt: fc.string(),
  temperature: fc.double({ min: 0, max: 5, noNaN: true }),
  topK: fc.nat(100),
  seed: fc.nat(),
  depth: fc.option(depths),
  depths: fc.option(fc.array(depths, { minLength: 1, maxLength: MOST_COMPARED })),
  referenceText: fc.option(fc.string()),
});

const sides = fc
  .tuple(...SETTINGS.map((s) => fc.option(values(s), { freq: 3 })))
  .map((given) =>
    SETTINGS.flatMap(({ key }, i) => (given[i] == null ? [] : [{ key, value: given[i] }])),
  )
  .map((pairs) => pairs.filter(({ key }) => !['variant', 'dataset', 'max_iters'].includes(key)));

/** A plan with its values as they are written: an address does not tell -0 from 0. */
const shown = (plan: ComparisonPlan | null) =>
  plan && { ...plan, a: encode(plan.a), b: encode(plan.b) };

/** Plans as the page makes them: a side holds what differs from the preset. */
const comparisons = fc
  .record({
    base: fc.constantFrom(...PRESETS.map((preset) => preset.name)),
    steps: fc.integer({ min: 1, max: MOST_STEPS }),
    sides: fc.tuple(sides, sides),
  })
  .map(({ base, steps, sides }) => {
    const set = (plan: ComparisonPlan, side: Side, i: 0 | 1) =>
      sides[i].reduce((made, { key, value }) => withOverride(made, side, key, value), plan);
    return set(set({ base, steps, a: {}, b: {} }, 'a', 0), 'b', 1);
  });

describe('the address', () => {
  test('gives back every configuration and all options that were written', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PRESETS),
        changes,
        anyOptions,
        fc.option(comparisons),
        fc.constantFrom('auto', 'cpu', 'gpu'),
        fc.boolean(),
        (base, changed, options, comparison, device, software) => {
          let config = base.config;
          for (const [i, setting] of SETTINGS.entries()) {
            const value = changed[i] ?? null;
            // Which kind of model it is comes with the preset.
            if (setting.key === 'variant' || !settingsOf(config).includes(setting)) continue;
            if (value !== null) config = withSetting(config, setting, value);
          }
          const page = read(
            write({
              preset: base.name,
              config,
              origin: null,
              options,
              comparison,
              device,
              software,
            }),
          );
          expect(page.problems).toEqual([]);
          expect(page.preset).toBe(base.name);
          expect(page.device).toBe(device);
          expect(page.software).toBe(software);
          expect(shown(page.comparison)).toEqual(shown(comparison));
          expect(same(page.config, config)).toBe(true);
          for (const key of [
            'prompt',
            'topK',
            'seed',
            'depth',
            'depths',
            'referenceText',
          ] as const) {
            expect(page.options[key]).toEqual(options[key]);
          }
          expect(page.options.temperature).toBeCloseTo(options.temperature, 12);
        },
      ),
    );
  });

  test('gives back a model that was opened over a preset of another one', () => {
    for (const { name, config } of PRESETS) {
      const found = presetFor(config, 'tiny');
      // The nearest one, and the given one where it fits.
      expect(preset(found)).toEqual(config.model.variant === 'chat_trm' ? preset('tiny') : config);
      expect(presetFor(config, name)).toBe(name);
      const page = { preset: found, config, options: DEFAULT_OPTIONS, origin: null };
      const back = read(write({ ...page, comparison: null, device: 'auto', software: false }));
      expect(back.problems).toEqual([]);
      expect(same(back.config, config)).toBe(true);
    }
  });

  test('says only what differs', () => {
    const config = preset(DEFAULT_PRESET);
    expect(config).not.toBeNull();
    if (!config) return;
    const page = { preset: DEFAULT_PRESET, config, options: DEFAULT_OPTIONS, origin: null };
    expect(write({ ...page, comparison: null, device: 'auto', software: false })).toBe(
      `?preset=${DEFAULT_PRESET}`,
    );
  });

  test('an empty one is the default run, and asks for nothing', () => {
    const page = read('');
    expect(page).toMatchObject({ preset: DEFAULT_PRESET, explicit: false, checkpoint: null });
    expect(page.config).toEqual(preset(DEFAULT_PRESET));
    expect(page.problems).toEqual([]);
  });

  test('names what cannot be read, and uses the rest', () => {
    const page = read('?preset=nope&hidden_size=wide&n_layers=-1&decay=some&block_size=16&top_k=x');
    expect(page.problems).toEqual([
      'There is no preset “nope”.',
      '“wide” is not a valid value for hidden_size (a whole number from 1 to 4,096).',
      '“-1” is not a valid value for n_layers (a whole number from 1 to 64).',
      '“some” is not a valid value for decay.',
      'top_k: “x” is not a whole number from 0 to 10,000.',
    ]);
    expect(lengthOf(page.config.model)).toBe(16);
    expect(page.options.topK).toBe(DEFAULT_OPTIONS.topK);
    expect(page.explicit).toBe(true);
  });

  test('leaves a model of one kind without the settings of another', () => {
    expect(read('?preset=sudoku-4x4&block_size=8').problems).toEqual([
      'The model of “sudoku-4x4” has no setting block_size.',
    ]);
    const page = read('?preset=tiny&variant=dual&h_cycles=3');
    expect(page.problems).toHaveLength(2);
    expect(page.config).toEqual(preset('tiny'));
  });

  test('reads the names that models had before', () => {
    const page = read('?preset=tiny&variant=causal&hidden_size=48');
    expect(page.problems).toEqual([]);
    expect(page.config.model).toMatchObject({ variant: 'chat_trm', hidden_size: 48 });
    const puzzles = readPuzzle('?kind=sudoku-4x4&preset=sudoku-4x4&variant=dual&h_cycles=2');
    expect(puzzles.problems).toEqual([]);
    expect(puzzles.config.model).toMatchObject({ variant: 'trm', h_cycles: 2 });
  });

  test('names settings that there are not', () => {
    expect(read('?hiden_size=32').problems).toEqual(['There is no setting “hiden_size”.']);
  });

  test('takes depths within the sliders, and names the others', () => {
    const { options, problems } = read('?depth=99&depths=0,x,3.2,,9,5,1&temperature=hot');
    expect(options).toMatchObject({ depth: null, depths: [5, 1] });
    expect(problems).toEqual([
      'temperature: “hot” is not a number from 0 to 5.',
      'depth: “99” is not a whole number from 1 to 8.',
      'depths: “0” is not a whole number from 1 to 8.',
    ]);
    expect(read('?depth=banana').problems).toEqual([
      'depth: “banana” is not a whole number from 1 to 8.',
    ]);
  });

  test('takes as many steps of an image as a model may be trained with', () => {
    const most = mostOf('outer_steps');
    expect(most).toBe(64);
    const page = readImages(`?inner=${most}&outer=${most}&at=${most}`);
    expect(page.problems).toEqual([]);
    expect([page.look.inner, page.look.outer, page.step]).toEqual([most, most, most]);
    expect(readImages(`?outer=${most + 1}`).problems).toHaveLength(1);
    expect(readPuzzle(`?steps=${most}`).look.steps).toBe(most);
    expect(readPuzzle(`?steps=${most + 1}`).problems).toHaveLength(1);
  });

  test('takes devices and numbers of cores that there are, and names the others', () => {
    const known = read('?device=gpu&cores=8');
    expect(known).toMatchObject({ device: 'gpu', cores: 8, problems: [] });
    expect(read('?device=auto').problems).toEqual([]);
    for (const reader of [read, readImages, readPuzzle]) {
      const page = reader('?device=tpu&cores=99');
      expect(page).toMatchObject({ device: 'auto', cores: null });
      expect(page.problems).toEqual([
        '“tpu” is not a valid value for device.',
        'cores: “99” is not a whole number from 1 to 8.',
      ]);
    }
    expect(read('?cores=x').problems).toHaveLength(1);
  });

  test('refuses sizes that 32 bits cannot count', () => {
    expect(read('?preset=tiny&hidden_size=100000').problems).toEqual([
      '“100000” is not a valid value for hidden_size (a whole number from 1 to 4,096).',
    ]);
  });
});

describe('the address of a model that comes with the page', () => {
  const config = preset('shakespeare-elastic') ?? DEFAULT_CONFIG;
  const page = {
    preset: DEFAULT_PRESET,
    config,
    origin: { name: 'elastic', config },
    options: DEFAULT_OPTIONS,
    comparison: null,
    device: 'auto',
    software: false,
  } as const;

  test('is its name, which goes before the preset', () => {
    expect(write(page)).toBe('?checkpoint=elastic');
    expect(read('?checkpoint=elastic')).toMatchObject({
      checkpoint: 'elastic',
      explicit: true,
      live: {},
      problems: [],
    });
  });

  test('carries the options, and what was changed of the model’s settings', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 24 }),
        positive,
        anyOptions,
        (max_iters, learning_rate, options) => {
          const changed = { ...config, train: { ...config.train, max_iters, learning_rate } };
          const back = read(write({ ...page, config: changed, options }));
          expect(back.problems).toEqual([]);
          expect(back.checkpoint).toBe('elastic');
          expect({ ...config.train, ...back.live }).toEqual(changed.train);
          expect(back.options.prompt).toBe(options.prompt);
          expect(back.options.depths).toEqual(options.depths);
        },
      ),
    );
  });

  test('cannot change what the model is, and says so', () => {
    const page = read('?checkpoint=elastic&preset=tiny&hidden_size=8&max_iters=soon&depth=8');
    expect(page.problems).toEqual([
      'The address names a checkpoint, so “preset” is ignored.',
      'The address names a checkpoint, so “hidden_size” is ignored.',
      '“soon” is not a valid value for max_iters (a whole number from 1 to 16,777,216).',
    ]);
    expect(page.live).toEqual({});
    expect(page.options.depth).toBe(8);
  });
});

describe('a setting', () => {
  test('is read back from how it is shown', () => {
    for (const { config } of PRESETS) {
      for (const setting of settingsOf(config)) {
        const value = valueOf(config, setting);
        expect(parse(setting, show(value))).toEqual(value);
      }
    }
  });

  test.each([
    ['integer', ['', ' ', '1.5', '-1', 'x', '1e99', 'Infinity']],
    ['number', ['', 'x', 'NaN', 'Infinity']],
    ['numbers', ['1,x', '1,NaN']],
    ['flag', ['', '1', 'yes', 'True']],
    ['choice', ['', 'neither']],
  ] as const)('of kind %s refuses what is none', (kind, texts) => {
    const setting = SETTINGS.find((s) => s.kind === kind);
    expect(setting).toBeDefined();
    if (!setting) return;
    for (const text of texts) expect(parse(setting, text)).toBeNull();
  });

  test('that is a flag is on or off', () => {
    const flags = SETTINGS.filter((setting) => setting.kind === 'flag');
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) {
      const on = withSetting(DEFAULT_CONFIG, flag, true);
      expect([valueOf(on, flag), show(valueOf(on, flag))]).toEqual([true, 'true']);
      expect([parse(flag, 'true'), parse(flag, 'false')]).toEqual([true, false]);
      expect(same(on, withSetting(DEFAULT_CONFIG, flag, false))).toBe(false);
    }
  });

  test('that may change while a run goes on is one of the table', () => {
    expect(SETTINGS.map((setting) => setting.key)).toEqual(expect.arrayContaining([...LIVE]));
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
