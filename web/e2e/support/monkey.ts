// Somebody who does anything at once: a thousand actions drawn from a seed, fired
// within the page with nothing between them but a frame now and then. It runs in
// the page, so that no round trip gives the page time to settle.

/** What the monkey saw. */
export interface Spree {
  /** How often each action found something to do. */
  done: Record<string, number>;
  /** The messages of the page, each once. */
  notices: string[];
}

/** Serialised into the page: it may use nothing from outside. */
export async function monkey([seed, times]: [number, number]): Promise<Spree> {
  // Mulberry32: small, and the same everywhere.
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(random() * n);
  const one = <T>(from: readonly T[]): T | undefined => from[below(from.length)];

  const all = <E extends Element>(selector: string) => [...document.querySelectorAll<E>(selector)];
  const press = (name: RegExp) => {
    const button = one(
      all<HTMLButtonElement>('button').filter(
        (each) => !each.disabled && name.test(each.textContent.trim()),
      ),
    );
    button?.click();
    return button !== undefined;
  };
  const enter = (field: HTMLInputElement | HTMLSelectElement | undefined, value: string) => {
    if (!field || field.disabled) return false;
    field.value = value;
    for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
    return true;
  };
  const labelled = (name: RegExp) =>
    all<HTMLInputElement>('input[type="text"]').find((field) =>
      name.test(field.labels?.[0]?.textContent.trim() ?? ''),
    );

  const sliders = (name: RegExp) =>
    all<HTMLInputElement>('input[type="range"]').filter((slider) =>
      name.test(slider.getAttribute('aria-label') ?? ''),
    );

  const models = () =>
    all<HTMLSelectElement>('select').find((menu) => menu.querySelector('optgroup'));
  const actions: Record<string, [weight: number, act: () => boolean]> = {
    train: [8, () => press(/^(Train|Continue training)$/)],
    pause: [6, () => press(/^Pause$/)],
    step: [6, () => press(/^Step$/)],
    reset: [3, () => press(/^Reset$/)],
    'train an opened model': [2, () => press(/^Continue training$/)],
    'train one from nothing': [1, () => press(/^Train from scratch$/)],
    'another model': [
      4,
      () => {
        const menu = models();
        return enter(menu, one([...(menu?.options ?? [])])?.value ?? '');
      },
    ],
    'open a model': [2, () => press(/^(Open|Try again) .+/s)],
    depth: [
      8,
      () => enter(one(sliders(/depth/i)), String(1 + below(8))),
    ],
    'learning rate': [
      3,
      () => enter(one(sliders(/^Learning rate/)), String(-4 + 2 * random())),
    ],
    prompt: [
      5,
      () => {
        const letters = Array.from({ length: below(20) }, () => one([...'aeinorst ,:§\n']));
        return enter(labelled(/^Prompt/), letters.join(''));
      },
    ],
    sample: [3, () => press(/^New sample$/)],
    setting: [
      2,
      () =>
        enter(labelled(/^weight_decay/), (random() / 10).toFixed(3)) &&
        press(/^(Apply now|Start a new run)$/),
    ],
    'train two': [2, () => press(/^Train both$/)],
    'pause two': [3, () => press(/^Pause both$/)],
    'take back': [1, () => press(/^Undo$/)],
    restore: [3, () => press(/^Resume/)],
    discard: [2, () => press(/^Delete/)],
    theme: [2, () => press(/^(Light|Dark)$/)],
    'close a message': [1, () => press(/^Close$/)],
    hide: [1, () => document.dispatchEvent(new Event('visibilitychange'))],
  };
  const bag = Object.entries(actions).flatMap(([name, [weight]]) =>
    Array.from({ length: weight }, () => name),
  );

  const spree: Spree = { done: {}, notices: [] };
  const note = () => {
    const said = document.querySelector('[data-testid="notice"] p')?.textContent;
    if (said && !spree.notices.includes(said)) spree.notices.push(said);
  };
  const watching = new MutationObserver(note);
  watching.observe(document.body, { subtree: true, childList: true, characterData: true });
  for (let i = 0; i < times; i += 1) {
    const name = one(bag)!;
    if (actions[name]![1]()) spree.done[name] = (spree.done[name] ?? 0) + 1;
    // Sometimes several in one frame, sometimes one after a few.
    const frames = below(4);
    for (let f = 0; f < frames; f += 1) await new Promise(requestAnimationFrame);
  }
  watching.disconnect();
  return spree;
}
