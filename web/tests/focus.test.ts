// Where the focus goes when a button is gone, with as much of a document as that needs.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { focusFirst, keepFocus } from '../src/ui/focus';

const listeners = new Map<string, (event: object) => void>();
const tell = (type: string, event: object = {}) => listeners.get(type)?.(event);
let changed: () => void;
let active: Fake;
let body: Fake;

function take(element: Fake): void {
  active = element;
  tell('focusin');
}

/** An element. */
class Fake {
  parentElement: Fake | null = null;
  children: Fake[];
  id = '';
  tabIndex = 0;
  hidden = false;
  disabled = false;
  dimmed = false;

  constructor(
    readonly tag: string,
    ...children: Fake[]
  ) {
    this.children = children;
    for (const child of children) child.parentElement = this;
  }

  get line(): Fake[] {
    return [this, ...(this.parentElement?.line ?? [])];
  }
  get isConnected(): boolean {
    return this.line.includes(body);
  }
  /** Whether it is unavailable: the one selector that an element is asked for. */
  matches(): boolean {
    return this.disabled || this.line.some(({ hidden }) => hidden);
  }
  closest(): Fake | null {
    return this.line.find(({ dimmed }) => dimmed) ?? null;
  }
  get all(): Fake[] {
    return this.children.flatMap((child) => [child, ...child.all]);
  }
  querySelector(tag: string): Fake | null {
    return this.all.find((each) => each.tag === tag) ?? null;
  }
  querySelectorAll(selector: string): Fake[] {
    const listed = this.all.filter(({ tag }) => new RegExp(`\\b${tag}\\b`).test(selector));
    return selector.includes('tabindex') ? listed.filter(({ tabIndex }) => tabIndex >= 0) : listed;
  }
  focus(): void {
    if (!this.isConnected || this.matches()) return;
    take(this);
  }
  remove(): void {
    const { parentElement } = this;
    if (!parentElement) return;
    parentElement.children = parentElement.children.filter((each) => each !== this);
    this.parentElement = null;
    if (active.line.includes(this)) active = body;
    changed();
  }
}

const button = () => new Fake('button');
const [brand, tab, otherTab] = [new Fake('a'), button(), button()];
otherTab.tabIndex = -1;

/** The page: a header, its tabs, and a panel with these. */
function page(...inPanel: Fake[]): Fake {
  const panel = new Fake('div', ...inPanel);
  body = new Fake('body', new Fake('header', brand), new Fake('main', otherTab, tab, panel));
  active = body;
  return panel;
}

beforeEach(() => {
  vi.stubGlobal('Element', Fake);
  vi.stubGlobal('document', {
    get activeElement() {
      return active;
    },
    get body() {
      return body;
    },
    addEventListener: (type: string, listener: (event: object) => void) =>
      listeners.set(type, listener),
    getElementById: (id: string) => body.all.find((each) => each.id === id) ?? null,
  });
  vi.stubGlobal(
    'MutationObserver',
    class {
      constructor(callback: () => void) {
        changed = callback;
      }
      observe(): void {}
    },
  );
  keepFocus();
});

afterEach(() => {
  listeners.clear();
  vi.unstubAllGlobals();
});

describe('a button that is gone leaves the focus', () => {
  test('to the first one near it that can have it', () => {
    const [used, shut, near, far] = [button(), button(), button(), button()];
    shut.disabled = true;
    page(far, new Fake('section', new Fake('input'), new Fake('p', used), shut, near));
    used.focus();
    used.remove();
    expect(active).toBe(near);
    // One that cannot be used any more is left, too.
    near.disabled = true;
    changed();
    expect(active.tag).toBe('input');
  });

  test('to a field where there is no button, and else to the open tab', () => {
    const [used, field] = [button(), new Fake('input')];
    const section = new Fake('section', used, field);
    page(section);
    used.focus();
    used.remove();
    expect(active).toBe(field);
    section.remove();
    expect(active).toBe(tab);
  });

  test('to what has its name now', () => {
    const [before, after] = [new Fake('select'), new Fake('select')];
    before.id = after.id = 'kind';
    const panel = page(button(), before);
    before.focus();
    panel.children.push(after);
    after.parentElement = panel;
    before.remove();
    expect(active).toBe(after);
  });

  test('to the open tab where its own is closed', () => {
    const used = button();
    const panel = page(used);
    used.focus();
    panel.hidden = true;
    changed();
    expect(active).toBe(tab);
  });
});

describe('the focus is left alone', () => {
  test('after a pointer was used, until a key is', () => {
    const [first, second, third] = [button(), button(), button()];
    page(first, second, third);
    tell('pointerdown');
    first.focus();
    first.remove();
    expect(active).toBe(body);
    second.focus();
    tell('keydown');
    second.remove();
    expect(active).toBe(third);
  });

  test('where something else has it', () => {
    const [used, field] = [button(), new Fake('input')];
    page(used, button(), field);
    used.focus();
    field.focus();
    used.remove();
    expect(active).toBe(field);
  });
});

test('a button that is unavailable is not pressed', () => {
  const [shut, open] = [button(), button()];
  shut.dimmed = true;
  const label = new Fake('span');
  const press = (target: Fake) => {
    const event = { target, preventDefault: vi.fn(), stopImmediatePropagation: vi.fn() };
    tell('click', event);
    return (
      event.stopImmediatePropagation.mock.calls.length + event.preventDefault.mock.calls.length
    );
  };
  page(shut, open);
  [label.parentElement, shut.children] = [shut, [label]];
  expect([shut, label, open].map(press)).toEqual([2, 2, 0]);
});

test('the focus is given to the first that takes it', () => {
  page();
  expect(focusFirst([])).toBe(false);
  expect(focusFirst([null])).toBe(false);
});
