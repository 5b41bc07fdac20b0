import { describe, expect, test } from 'vitest';

import type { Generated, Trace, Vocab } from '../src/gen';
import { continued, isTraced, written } from '../src/rooms/language/generation';
import { gridOf } from '../src/rooms/language/grid';
import { endWithin, label, piecesOf } from '../src/rooms/language/spans';

const BYTES: Vocab = { kind: 'byte' };
const GPT2: Vocab = { kind: 'bpe', name: 'gpt2', size: 50_257, sha256: '' };
const CHARS: Vocab = { kind: 'char', chars: 'aéx' };

/** Readouts after `positions` tokens, each of them a guess of its position. */
function trace(tokens: number[], guesses: number[], cycles = 2): Trace {
  const steps = Array.from({ length: cycles }, (_, k) => ({
    step: k + 1,
    argmax: [guesses],
    prob: [guesses.map(() => 0.5)],
    entropy: [guesses.map(() => 1)],
    top: [guesses.map((token) => [{ token, prob: 0.5 }])],
    halt: null,
    state_rms: 1,
    state_change: 1 / (k + 1),
  }));
  return { variant: 'chat_trm', depth: cycles, tokens: [tokens], steps };
}

const pulled = (tokens: number[], pieces: string[], guesses = tokens): Generated => ({
  text: pieces.join(''),
  tokens,
  pieces,
  done: false,
  trace: trace(tokens, guesses),
});

describe('the text of tokens', () => {
  test('is a character each where the vocabulary is of characters', () => {
    expect(piecesOf(CHARS, [0, 1, 2])).toEqual(['a', 'é', 'x']);
  });

  test('belongs to the last byte of a character', () => {
    const row = [...new TextEncoder().encode('é€!')];
    const pieces = piecesOf(BYTES, row);
    expect(pieces).toEqual(['', 'é', '', '', '€', '!']);
    expect(row.map((token, i) => label(BYTES, token, pieces[i] ?? null))).toEqual([
      ...['c3', 'é', 'e2', '82', '€', '!'],
    ]);
  });

  test('is not known of byte pairs before they are generated', () => {
    expect(piecesOf(GPT2, [15_496])).toEqual([null]);
    expect(label(GPT2, 15_496, null)).toBe('15496');
    expect(label(GPT2, 995, ' world\n')).toBe('␣world↵');
    expect(label(GPT2, 172, '')).toBe('·');
  });
});

describe('the end of a text', () => {
  test('is counted in tokens', () => {
    expect(endWithin(CHARS, 'aéx', 2)).toEqual({ text: 'éx', from: 1, tokens: 2 });
    expect(endWithin(BYTES, 'aéx', 3)).toEqual({ text: 'éx', from: 1, tokens: 3 });
    // A character that does not fit is left out whole.
    expect(endWithin(BYTES, 'aéx', 2)).toEqual({ text: 'x', from: 3, tokens: 1 });
    expect(endWithin(BYTES, '', 2)).toEqual({ text: '', from: 0, tokens: 0 });
  });
});

describe('the grid of generated text', () => {
  const prompt = { trace: trace([72, 105], [1, 0]), from: 0, pieces: ['H', 'i'] };

  test('goes on from the prompt by the readouts that tokens were drawn from', () => {
    const reading = written(prompt, [
      pulled([995], [' world'], [7]),
      pulled([12_520, 104], ['', '🙂'], [12_520, 9]),
    ]);
    const { columns } = gridOf(reading, 10);
    // After the last token there is no readout yet.
    expect(columns.map(({ at, piece }) => [at, piece])).toEqual([
      [0, 'H'],
      [1, 'i'],
      [2, ' world'],
      [3, ''],
    ]);
    expect(columns.map(({ cells }) => cells[0]?.token)).toEqual([1, 7, 12_520, 9]);
    expect(columns.map(({ cells }) => cells[1]?.right)).toEqual([false, false, true, false]);
  });

  test('is the same however the text was cut into pieces', () => {
    const [a, b, c] = [pulled([1], ['a']), pulled([2], ['b']), pulled([1, 2], ['a', 'b'])];
    expect(written(prompt, [a, b])).toEqual(written(prompt, [c]));
  });

  test('keeps the latest positions of a long text, and where they lie', () => {
    const tokens = Array.from({ length: 600 }, (_, i) => i);
    const reading = continued(prompt, pulled(tokens, tokens.map(String)));
    const last = gridOf(reading, 3).columns;
    expect(last.map(({ at, piece }) => [at, piece])).toEqual([
      [598, '596'],
      [599, '597'],
      [600, '598'],
    ]);
  });

  test('needs the readouts of every token', () => {
    const whole = pulled([1, 2], ['a', 'b']);
    expect(isTraced(whole)).toBe(true);
    expect(isTraced({ text: 'ab', tokens: [1, 2], pieces: ['a', 'b'], done: false })).toBe(false);
    expect(isTraced({ ...whole, trace: trace([2], [2]) })).toBe(false);
  });
});
