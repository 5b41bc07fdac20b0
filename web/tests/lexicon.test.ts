// Made-up words, where two texts part, and what more passes add.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { depthAdvice } from '../src/rooms/language/depth-advice';
import { lexiconOf, madeUp, partsAt, partsOf, saidOf } from '../src/rooms/language/lexicon';

const LEXICON = lexiconOf("The king's crown; o'er the well-worn HILL.");

test('words are those of the training text, whatever their case', () => {
  expect(madeUp("THE hill, the KING'S crown ", LEXICON)).toEqual({ words: 5, made: 0 });
  expect(madeUp('The kung wore the crown ', LEXICON)).toEqual({ words: 5, made: 2 });
  expect(saidOf({ words: 5, made: 2 })).toBe('40 % made-up words (2 of 5)');
  expect(saidOf({ words: 0, made: 0 })).toBe('');
});

test('the last word is not judged, as it may be cut off', () => {
  expect(madeUp('the crow', LEXICON)).toEqual({ words: 1, made: 0 });
});

describe('two texts', () => {
  test('part where they first differ, by character', () => {
    expect(partsAt('And it', 'And I')).toBe(4);
    expect(partsAt('same', 'same and more')).toBe(4);
    expect(partsAt('', 'x')).toBe(0);
    expect(partsAt('🙂🙃a', '🙂🙃b')).toBe(2);
  });

  test('have one mark, at the first difference, to the end of its word', () => {
    const parts = partsOf('the young king sleeps', null, 'the old king wakes');
    expect(parts.filter(({ first }) => first).map(({ text }) => text)).toEqual(['young']);
  });

  test('are whole in their parts, and equal ones have no mark', () => {
    const text = fc.stringMatching(/^[ab \n'.🙂]*$/u);
    fc.assert(
      fc.property(text, text, (a, b) => {
        const parts = partsOf(b, LEXICON, a);
        expect(parts.map((part) => part.text).join('')).toBe(b);
        expect(partsOf(b, LEXICON, b).some((part) => part.first)).toBe(false);
      }),
    );
  });
});

test('what more passes add is said by the measured losses', () => {
  const losses = (...all: number[]) => all.map((loss, i) => ({ depth: i + 1, loss }));
  expect(depthAdvice(losses(1.66, 1.52, 1.491, 1.488, 1.486), 5)).toBe(
    'Beyond 3 passes, more passes hardly lower the loss of this model.',
  );
  expect(depthAdvice(losses(2.2, 1.44, 1.6, 1.62), 2)).toBe(
    'Best at 2 passes, the trained depth; more passes make this model worse.',
  );
  expect(depthAdvice(losses(2.2, 1.44, 1.6, 1.62), 3)).toBe(
    'Best at 2 passes; more make this model worse.',
  );
  expect(depthAdvice(losses(1.6, 1.5, 1.4), 3)).toBe('');
  expect(depthAdvice([], null)).toBe('');
});
