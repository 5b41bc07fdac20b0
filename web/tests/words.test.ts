import { describe, expect, test } from 'vitest';

import { PRESETS } from '../src/gen';
import { aboutOf, titleOf } from '../src/run/presets';
import { bytes, count, duration, glyph, many, percent, sentence } from '../src/run/format';
import { type AdapterInfo, decide } from '../src/worker/device';

describe('numbers as people read them', () => {
  test('durations', () => {
    expect([0, 59.4, 59.6, 125, 3600, 7325, -3].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min 00 s',
      '2 min 05 s',
      '1 h 00 min',
      '2 h 02 min',
      '0 s',
    ]);
  });

  test('counts and sizes', () => {
    expect([0, 999, 9999, 139_264, 3_600_000].map(count)).toEqual([
      '0',
      '999',
      '9,999',
      '139k',
      '3.60M',
    ]);
    expect([1, 133_000, 1_700_000].map(bytes)).toEqual(['1 kB', '133 kB', '1.7 MB']);
  });

  test('what is rounded up to the next unit has that unit', () => {
    expect([999_499, 999_600].map(count)).toEqual(['999k', '1.00M']);
    expect([999_499, 999_600, 999_940_000, 999_960_000].map(bytes)).toEqual([
      ...['999 kB', '1.0 MB', '999.9 MB', '1.0 GB'],
    ]);
  });

  test('only all is 100 %', () => {
    expect([0, 0.004, 0.42, 0.99, 0.9972, 0.99999, 1].map(percent)).toEqual([
      ...['0.0 %', '0.4 %', '42 %', '99 %', '99.7 %', '99.9 %', '100 %'],
    ]);
  });

  test('one of a kind is no several', () => {
    expect([0, 1, 2000].map((n) => many(n, 'step'))).toEqual(['0 steps', '1 step', '2,000 steps']);
    expect([1, 2].map((n) => many(n, 'pass', 'passes'))).toEqual(['1 pass', '2 passes']);
  });

  test('white space is visible', () => {
    const vocab = { kind: 'char', chars: '\n a🙂' } as const;
    expect([0, 1, 2, 3, 9].map((token) => glyph(vocab, token))).toEqual(['↵', '␣', 'a', '🙂', '?']);
    expect(glyph({ kind: 'plain', size: 10 }, 7)).toBe('7');
    expect([0, 5].map((token) => glyph({ kind: 'classes', names: ['cat'] }, token))).toEqual([
      ...['cat', '5'],
    ]);
    expect([10, 32, 65, 0xc3].map((token) => glyph({ kind: 'byte' }, token))).toEqual([
      '↵',
      '␣',
      'A',
      'c3',
    ]);
  });

  test('messages are sentences', () => {
    expect(sentence('the file is damaged')).toBe('The file is damaged.');
    expect(sentence('Really?')).toBe('Really?');
    expect(sentence('It has “é”.')).toBe('It has “é”.');
  });
});

test('every preset has a title of its own, and says what it is', () => {
  const titles = PRESETS.map(({ name }) => titleOf(name));
  expect(new Set(titles).size).toBe(PRESETS.length);
  for (const { name, description } of PRESETS) {
    expect(titleOf(name)).not.toBe(name);
    expect(description.toLowerCase()).toBe(`${titleOf(name)}: ${aboutOf(name)}`.toLowerCase());
  }
  expect([titleOf('mine'), aboutOf('mine')]).toEqual(['mine', '']);
});

describe('the device', () => {
  const real: AdapterInfo = { architecture: 'ampere', description: '', fallback: false };
  const software: [string, AdapterInfo][] = [
    ['SwiftShader', { architecture: 'swiftshader', description: '', fallback: false }],
    ['llvmpipe', { architecture: '', description: 'llvmpipe (LLVM 19)', fallback: false }],
    ['Lavapipe', { architecture: 'Lavapipe', description: '', fallback: false }],
    ['Basic Render', { architecture: '', description: 'Microsoft Basic Render', fallback: false }],
    ['a fallback adapter', { architecture: '', description: '', fallback: true }],
  ];

  test('is a real GPU where there is one', () => {
    expect(decide('auto', false, real).backend).toBe('gpu');
    expect(decide('gpu', false, real).backend).toBe('gpu');
  });

  test('is the CPU when asked for', () => {
    expect(decide('cpu', true, real)).toEqual({
      backend: 'cpu',
      reason: 'device=cpu is set in the address.',
    });
  });

  test.each(software)('%s counts as no GPU unless asked for in both words', (_, adapter) => {
    for (const [wish, allowed] of [
      ['auto', false],
      ['auto', true],
      ['gpu', false],
    ] as const) {
      const choice = decide(wish, allowed, adapter);
      expect(choice.backend).toBe('cpu');
      expect(choice.reason).toContain('only a software adapter');
    }
    expect(decide('gpu', true, adapter).backend).toBe('gpu');
  });

  test('says why there is no GPU, and that one was asked for', () => {
    expect(decide('auto', false, undefined).reason).toBe('this browser has no WebGPU.');
    expect(decide('auto', false, null).reason).toBe('WebGPU found no graphics adapter.');
    expect(decide('gpu', true, null)).toEqual({
      backend: 'cpu',
      reason: 'device=gpu is set in the address, but WebGPU found no graphics adapter.',
    });
  });
});
