import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DEFAULT_CONFIG } from '../src/gen';
import { LanguageRun } from '../src/rooms/language/language-run.svelte';
import { DEFAULT_OPTIONS } from '../src/rooms/language/url';
import { Machine } from '../src/run/machine.svelte';
import { tabs } from '../src/ui/tabs.svelte';
import { Workers } from './support/workers';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: false })));
afterEach(() => vi.unstubAllGlobals());

function opened(): LanguageRun {
  const workers = new Workers();
  const wish = { device: 'cpu', software: false } as const;
  const machine = new Machine(() => workers.spawn(), wish, 'language');
  const options = { ...DEFAULT_OPTIONS, prompt: 'KING', referenceText: 'What say you?' };
  return new LanguageRun(machine, { config: DEFAULT_CONFIG, options });
}

test('the grid follows the prompt with what is written, or the fixed text', () => {
  const run = opened();
  run.answers.watched.text = ' LEAR';
  expect(run.followedText).toBe('KING LEAR');
  run.chosenText = 'reference';
  expect(run.followedText).toBe('What say you?');
});

test('text is written for those who see it, and while nothing trains', async () => {
  const run = opened();
  const write = vi.spyOn(run, 'idle').mockResolvedValue(true);
  const written = async (phase: typeof run.phase, tab: typeof tabs.open) => {
    [run.phase, tabs.open] = [phase, tab];
    write.mockClear();
    await run.respond(0);
    await run.respond(0);
    return write.mock.calls.length > 0;
  };
  expect(await written('training', 'train')).toBe(false);
  expect(await written('training', 'explore')).toBe(true);
  expect(await written('paused', 'train')).toBe(true);
  tabs.open = 'explore';
});
