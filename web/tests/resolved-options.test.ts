import { expect, test } from 'vitest';

import { resolveOptions } from '../src/rooms/language/resolved-options';
import { preset } from '../src/run/presets';
import { DEFAULT_OPTIONS } from '../src/rooms/language/url';

const eight = preset('shakespeare-elastic');
const two = preset('page-tiny');

test('an option left open has the default of the model: as deep as it was trained', () => {
  expect(resolveOptions(DEFAULT_OPTIONS, eight, null)).toMatchObject({
    depth: 4,
    depths: [1, 2, 4, 8],
  });
  expect(resolveOptions(DEFAULT_OPTIONS, two, null)).toMatchObject({ depth: 2, depths: [1, 2, 4] });
  expect(resolveOptions(DEFAULT_OPTIONS, null, null)).toMatchObject({ depth: 4 });
});

test('what was chosen stays, whatever the model', () => {
  const chosen = { ...DEFAULT_OPTIONS, depth: 3, depths: [5, 6], referenceText: 'so' };
  expect(resolveOptions(chosen, eight, 'another text')).toMatchObject({
    depth: 3,
    depths: [5, 6],
    referenceText: 'so',
  });
});

test('the fixed text is one line of what the model learns from', () => {
  expect(resolveOptions(DEFAULT_OPTIONS, two, '\n  Es war einmal\nein König').referenceText).toBe(
    'Es war einmal',
  );
  expect(resolveOptions(DEFAULT_OPTIONS, two, '🙂'.repeat(99)).referenceText).toBe('🙂'.repeat(36));
  expect(resolveOptions(DEFAULT_OPTIONS, two, ' ').referenceText).toBe('');
});
