// Numbers and messages as text.

import type { Vocab } from '../gen';

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export function count(n: number): string {
  if (n < 1e4) return n.toLocaleString('en-US');
  // What is rounded up to the next unit has that unit.
  const thousands = Math.round(n / 1e3);
  return thousands < 1e3 ? `${thousands}k` : `${(n / 1e6).toFixed(2)}M`;
}

export function bytes(n: number): string {
  const thousands = Math.max(1, Math.round(n / 1e3));
  if (thousands < 1e3) return `${thousands} kB`;
  const millions = (n / 1e6).toFixed(1);
  return +millions < 1e3 ? `${millions} MB` : `${(n / 1e9).toFixed(1)} GB`;
}

export function percent(share: number): string {
  // Only all is 100 %.
  if (share > 0.99 && share < 1) return `${Math.min(99.9, 100 * share).toFixed(1)} %`;
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** The text of a token, with white space made visible. */
export function glyph(vocab: Vocab, token: number): string {
  const character = characterOf(vocab, token);
  if (character === '\n') return '↵';
  return character === ' ' ? '␣' : character;
}

/** The text of a token. */
export function characterOf(vocab: Vocab, token: number): string {
  switch (vocab.kind) {
    case 'char':
      return [...vocab.chars][token] ?? '?';
    case 'byte':
      // Beyond ASCII, a byte is only a part of a character.
      return token < 0x80 ? String.fromCharCode(token) : token.toString(16);
    case 'bpe':
    case 'subword':
    case 'plain':
    case 'arc':
      return String(token);
    case 'classes':
      return vocab.names[token] ?? String(token);
    default:
      return vocab satisfies never;
  }
}

/** A number of things: “1 step”, “2,000 steps”. */
export function many(n: number, one: string, several = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : several}`;
}

/** How long a model was trained. */
export function trainedFor(steps: number): string {
  return steps === 0 ? 'untrained' : `trained for ${many(steps, 'step')}`;
}

/** An error message of a library, with a capital letter and a full stop. */
export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
