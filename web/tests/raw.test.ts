import { expect, test } from 'vitest';

import { DEFAULT_CONFIG } from '../src/gen';
import { read, written } from '../src/run/raw';

test('a configuration is read as it is written, and in parts', () => {
  expect(read(DEFAULT_CONFIG, written(DEFAULT_CONFIG))).toEqual(DEFAULT_CONFIG);
  expect(read(DEFAULT_CONFIG, '{"train": {"max_iters": 7}}')).toEqual({
    ...DEFAULT_CONFIG,
    train: { ...DEFAULT_CONFIG.train, max_iters: 7 },
  });
  expect(read(DEFAULT_CONFIG, '{}')).toEqual(DEFAULT_CONFIG);
});

test('a document that is no configuration is refused', () => {
  expect(read(DEFAULT_CONFIG, '{')).toMatch(/^This is not JSON: /);
  for (const text of ['null', '[]', '5', '"model"']) {
    expect(read(DEFAULT_CONFIG, text)).toBe('The document is no object.');
  }
  for (const text of ['5', '[1]', 'null']) {
    expect(read(DEFAULT_CONFIG, `{"model": ${text}}`)).toBe('“model” is no object.');
  }
});
