import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Candidate, Trace, Vocab } from '../src/gen';
import {
  contenders,
  draftOf,
  endOf,
  lastChange,
  movedIn,
  textOf,
  tokensOf,
} from '../src/rooms/language/draft';

const CHARS: Vocab = { kind: 'char', chars: '\n abe' };
const [LINE, SPACE, A, B, E] = [0, 1, 2, 3, 4];

/** The draft of one row: the tokens after every pass, each with half a chance. */
function trace(rows: readonly number[][], top: Candidate[][][] = []): Trace {
  return {
    variant: 'chunk_lm',
    depth: rows.length,
    tokens: [[A]],
    steps: rows.map((tokens, i) => ({
      step: i + 1,
      argmax: [tokens],
      prob: [tokens.map((_, place) => 0.5 + place / 100)],
      entropy: [tokens.map(() => 1)],
      top: top[i] ? [top[i]] : undefined,
      halt: null,
      state_rms: 1,
      state_change: 1,
    })),
  };
}

describe('a draft', () => {
  test('has a row for every pass, and tells what stood there before', () => {
    const { rows, places } = draftOf(
      trace([
        [A, B],
        [A, E],
        [B, E],
      ]),
    );
    expect(places).toBe(2);
    expect(rows.map((row) => row.map(({ was }) => was))).toEqual([
      [null, null],
      [null, B],
      [A, null],
    ]);
    expect(rows[2]?.[1]).toEqual({ token: E, prob: 0.51, was: null });
  });

  test('is what stands there at the end', () => {
    expect(
      tokensOf(
        draftOf(
          trace([
            [A, B],
            [A, E],
          ]),
        ),
      ),
    ).toEqual([A, E]);
    expect(tokensOf(draftOf(trace([])))).toEqual([]);
  });
});

describe('what the last pass changed', () => {
  const said = (...rows: number[][]) => lastChange(draftOf(trace(rows)), CHARS);

  test('is told in words, white space too', () => {
    expect(said([A, B, A, A], [A, E, A, A])).toBe(
      'Pass 2 changed 1 of 4 characters: “b” became “e”.',
    );
    expect(said([A, SPACE], [LINE, A])).toBe(
      'Pass 2 changed 2 of 2 characters: “a” became “↵”, “␣” became “a”.',
    );
  });

  test('is nothing where only an earlier one changed something', () => {
    expect(said([A, B], [A, E], [A, E])).toBe('Pass 3 changed nothing.');
  });

  test('is no change where there is none before it', () => {
    expect(said([A, B])).toMatch(/^Pass 1 makes the first draft/);
  });

  test('counts bytes as bytes, and one as one', () => {
    const bytes = lastChange(
      draftOf(
        trace([
          [97, 98],
          [97, 0xc3],
        ]),
      ),
      { kind: 'byte' },
    );
    expect(bytes).toBe('Pass 2 changed 1 of 2 bytes: “b” became “c3”.');
    expect(said([A], [B])).toContain('1 of 1 character:');
  });
});

describe('the contenders of a place', () => {
  const top = [
    [
      [
        { token: A, prob: 0.6 },
        { token: B, prob: 0.3 },
      ],
    ],
    [
      [
        { token: B, prob: 0.7 },
        { token: E, prob: 0.2 },
      ],
    ],
  ];

  test('are followed through all passes, the most probable at the end first', () => {
    expect(contenders(trace([[A], [B]], top), 0, 5)).toEqual([
      { token: B, probs: [0.3, 0.7] },
      { token: E, probs: [null, 0.2] },
      { token: A, probs: [0.6, null] },
    ]);
  });

  test('keep what was once the best, though little is shown', () => {
    const tokens = contenders(trace([[A], [B]], top), 0, 2).map(({ token }) => token);
    expect(tokens).toEqual([B, A]);
  });

  test('are none where no alternatives were asked for', () => {
    expect(contenders(trace([[A], [B]]), 0, 5)).toEqual([]);
  });
});

describe('tokens as text', () => {
  test('are their characters', () => {
    expect(textOf(CHARS, [A, SPACE, LINE])).toBe('a \n');
  });

  test('are bytes of UTF-8, and half a character is no text', () => {
    const bytes: Vocab = { kind: 'byte' };
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(textOf(bytes, [...new TextEncoder().encode(text)])).toBe(text);
      }),
    );
    expect(textOf(bytes, [0x61, 0xc3])).toBeNull();
  });

  test('are no text where the page does not know their characters', () => {
    expect(textOf({ kind: 'bpe', name: 'gpt2', size: 9, sha256: '' }, [1])).toBeNull();
  });
});

test('the end of a text is cut between characters, and says so', () => {
  expect(endOf('abc', 3)).toEqual({ text: 'abc', cut: false });
  expect(endOf('a🙂b', 2)).toEqual({ text: '🙂b', cut: true });
  expect(endOf('abc', 0)).toEqual({ text: '', cut: true });
});

test('keys move within the table and never out of it', () => {
  const key = fc.constantFrom('ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End');
  fc.assert(
    fc.property(fc.array(key), (keys) => {
      let at = { row: 1, column: 2 };
      for (const each of keys) at = movedIn(each, at, 2, 4) ?? at;
      expect(at.row === 0 || at.row === 1).toBe(true);
      expect(at.column >= 0 && at.column < 4).toBe(true);
    }),
  );
  expect(movedIn('ArrowUp', { row: 1, column: 2 }, 2, 4)).toEqual({ row: 0, column: 2 });
  expect(movedIn('End', { row: 1, column: 0 }, 2, 4)).toEqual({ row: 1, column: 3 });
  expect(movedIn('a', { row: 1, column: 2 }, 2, 4)).toBeNull();
});
