// The keys of an address that a page does not know, and the address of the questions page.

import { expect, test } from 'vitest';

import { elsewhere } from '../src/landing/address';
import { readImages } from '../src/rooms/images/url';
import { read } from '../src/rooms/language/url';
import { readPuzzle } from '../src/rooms/puzzles/url';
import { readQuestions } from '../src/rooms/questions/url';

const APPENDED = 'utm_source=a&utm_medium=b&fbclid=c&gclid=d&msclkid=e&mc_cid=f&igshid=g&ref=h';

const READERS = [
  ['language', read],
  ['puzzles', readPuzzle],
  ['images', readImages],
  ['questions', readQuestions],
] as const;

test.each(READERS)('the page of %s ignores what others append, and names the rest', (_, reader) => {
  expect(reader(`?${APPENDED}`).problems).toEqual([]);
  expect(reader(`?${APPENDED}&wings=2`).problems).toEqual(['There is no setting “wings”.']);
});

test('the start page stays where only others appended something', () => {
  expect(elsewhere(`?${APPENDED}`, '', 'language.html')).toBeNull();
  expect(elsewhere('', '#train', 'language.html')).toBeNull();
  expect(elsewhere('?prompt=a&ref=b', '#train', 'language.html')).toBe(
    'language.html?prompt=a&ref=b#train',
  );
});

test('the questions page reads a model of the site, a file of another page and the device', () => {
  expect(readQuestions('?checkpoint=cups&device=gpu&cores=9')).toEqual({
    wish: { device: 'gpu', software: false, cores: null },
    ...{ checkpoint: 'cups', handed: false },
    problems: ['cores: “9” is not a whole number from 1 to 8.'],
  });
  expect(readQuestions('?handed=1').handed).toBe(true);
  expect(readQuestions('?handed=0').handed).toBe(false);
});

test('a preset of question models is said to need the command line', () => {
  const [problem, ...others] = readQuestions('?preset=cups-5&max_iters=9').problems;
  expect(problem).toContain('“trm-native train cups-5 --base FILE”');
  expect(others).toEqual([]);
});
