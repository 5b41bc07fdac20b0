import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DEFAULT_CONFIG } from '../src/gen';
import { LanguageRun } from '../src/rooms/language/language-run.svelte';
import { DEFAULT_OPTIONS } from '../src/rooms/language/url';
import { Machine } from '../src/run/machine.svelte';
import { Workers } from './support/workers';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: false })));
afterEach(() => vi.unstubAllGlobals());

test('the grid follows the prompt with what is written, or the fixed text', () => {
  const workers = new Workers();
  const wish = { device: 'cpu', software: false } as const;
  const machine = new Machine(() => workers.spawn(), wish, 'language');
  const options = { ...DEFAULT_OPTIONS, prompt: 'KING', referenceText: 'What say you?' };
  const run = new LanguageRun(machine, { config: DEFAULT_CONFIG, options });
  run.answers.watched.text = ' LEAR';
  expect(run.followedText).toBe('KING LEAR');
  run.chosenText = 'reference';
  expect(run.followedText).toBe('What say you?');
});
