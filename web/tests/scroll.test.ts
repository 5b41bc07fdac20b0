import { afterEach, expect, test, vi } from 'vitest';

import { atEnd } from '../src/ui/scroll';

afterEach(() => vi.unstubAllGlobals());

test('a text shows its end as it grows, unless somebody has scrolled back in it', () => {
  let grown: () => void = () => undefined;
  vi.stubGlobal(
    'MutationObserver',
    class {
      constructor(callback: () => void) {
        grown = callback;
      }
      observe(): void {}
      disconnect(): void {}
    },
  );
  let scrolled: () => void = () => undefined;
  const text = {
    ...{ scrollTop: 0, scrollHeight: 100, clientHeight: 50 },
    addEventListener: (_: string, listener: () => void) => (scrolled = listener),
  };
  // Only these properties are used.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions
  atEnd(text as unknown as HTMLElement);
  const grow = () => {
    text.scrollHeight += 20;
    grown();
  };
  expect(text.scrollTop).toBe(100);
  // A browser goes no further than to the end.
  const to = (scrollTop: number) => {
    text.scrollTop = scrollTop;
    scrolled();
  };
  to(50);
  grow();
  expect(text.scrollTop).toBe(120);
  to(30);
  grow();
  expect(text.scrollTop).toBe(30);
  to(85);
  grow();
  expect(text.scrollTop).toBe(160);
});
