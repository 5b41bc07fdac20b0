import { afterEach, expect, test, vi } from 'vitest';

import { atEnd, visit } from '../src/ui/scroll';

afterEach(() => vi.unstubAllGlobals());

test('a link takes the focus to the heading of its section, or to what has none', () => {
  const taken: [name: string, tabIndex: number, how: object][] = [];
  const element = (name: string, heading: object | null) => ({
    tabIndex: 0,
    closest: () => null,
    querySelector: () => heading,
    scrollIntoView: () => undefined,
    focus(how: object) {
      taken.push([name, this.tabIndex, how]);
    },
  });
  const places = new Map([
    ['depths', element('section', element('heading', null))],
    ['classify-steps', element('slot', null)],
  ]);
  vi.stubGlobal('document', { getElementById: (id: string) => places.get(id) ?? null });
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => draw());
  for (const place of ['depths', 'classify-steps', 'nowhere']) visit(place);
  const how = { preventScroll: true };
  expect(taken).toEqual([
    ['heading', -1, how],
    ['slot', -1, how],
  ]);
});

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
