import { expect, test } from 'vitest';

import { asked } from '../src/rooms/language/asked';
import { preset } from '../src/run/presets';
import { DEFAULT_QUESTION } from '../src/rooms/language/url';

const eight = preset('shakespeare-elastic');
const two = preset('page-tiny');

test('a question left open is put as deep as the model was trained', () => {
  expect(asked(DEFAULT_QUESTION, eight, null)).toMatchObject({ depth: 8, depths: [1, 2, 4, 8] });
  expect(asked(DEFAULT_QUESTION, two, null)).toMatchObject({ depth: 2, depths: [1, 2, 4] });
  expect(asked(DEFAULT_QUESTION, null, null)).toMatchObject({ depth: 1 });
});

test('what was chosen stays, whatever the model', () => {
  const chosen = { ...DEFAULT_QUESTION, depth: 3, depths: [5, 6], probe: 'so' };
  expect(asked(chosen, eight, 'another text')).toMatchObject({
    depth: 3,
    depths: [5, 6],
    probe: 'so',
  });
});

test('the fixed text is one line of what the model learns from', () => {
  expect(asked(DEFAULT_QUESTION, two, '\n  Es war einmal\nein König').probe).toBe('Es war einmal');
  expect(asked(DEFAULT_QUESTION, two, '🙂'.repeat(99)).probe).toBe('🙂'.repeat(36));
  expect(asked(DEFAULT_QUESTION, two, ' ').probe).toBe('');
});
