// The part of the vitals that runs in the page: it observes from before the page's
// own code, and returns what was measured so far.

/** Serialised into the page, so it uses nothing from outside. */
export function listen() {
  const tasks = [];
  const shifts = [];
  const times = {};

  const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe("longtask", ({ startTime, duration }) => tasks.push({ at: startTime, end: startTime + duration, duration }));
  observe("layout-shift", ({ startTime, value, hadRecentInput }) => {
    if (!hadRecentInput) shifts.push({ at: startTime, value });
  });
  observe("paint", ({ name, startTime }) => {
    if (name === "first-contentful-paint") times.content = startTime;
  });

  const look = () => {
    const slider = document.querySelector('input[type="range"]');
    const phase = document.querySelector('[data-testid="step"]')?.dataset.phase;
    const button = [...document.querySelectorAll("button:not([role=tab])")].find((each) =>
      /^Train/.test(each.textContent.trim()),
    );
    if (slider && button && !button.disabled && phase !== "opening") times.usable ??= performance.now();
    const text = document.querySelector('[data-testid="watched"]');
    const prompt = text?.querySelector("span")?.textContent ?? "";
    if (text && text.textContent.length > prompt.length) times.text ??= performance.now();
    if (times.usable && times.text) observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });

  const since = (list, from) => list.filter(({ at }) => at >= from);
  const longest = (list) => Math.max(0, ...list.map(({ duration }) => duration));

  /** The largest sum within five seconds without a second of rest between two, as browsers report it. */
  const shifted = (list) => {
    let [most, sum, first, last] = [0, 0, -Infinity, -Infinity];
    for (const { at, value } of list) {
      sum = at - last < 1000 && at - first < 5000 ? sum + value : value;
      if (sum === value) first = at;
      last = at;
      most = Math.max(most, sum);
    }
    return most;
  };

  window.vitals = {
    /** Whether the page is usable, has written text, and the main thread was then idle. */
    settled(quiet) {
      if (!times.content || !times.usable || !times.text) return false;
      const busy = Math.max(times.usable, times.text, ...tasks.map(({ end }) => end));
      return performance.now() - busy >= quiet;
    },

    loading() {
      const transferred = { page: 0, text: 0, model: 0 };
      for (const { name, transferSize } of performance.getEntriesByType("resource")) {
        const path = new URL(name).pathname;
        const kind = /\/corpora\//.test(path) ? "text" : /\/checkpoints\//.test(path) ? "model" : "page";
        transferred[kind] += transferSize;
      }
      transferred.page += performance.getEntriesByType("navigation")[0].transferSize;
      const before = tasks.filter(({ at }) => at <= times.text);
      // Usable, and the main thread free to answer.
      const interactive = Math.max(
        times.usable,
        ...before.filter(({ at }) => at <= times.usable).map(({ end }) => end),
      );
      return { ...times, interactive, longest: longest(tasks), shift: shifted(shifts), transferred };
    },

    /** The next `ms` milliseconds. */
    async during(ms) {
      const from = performance.now();
      const step = () => Number(document.querySelector('[data-testid="step"]').dataset.step);
      const began = step();
      const frames = [];
      let last = from;
      while (last - from < ms) {
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - last);
        last = now;
      }
      frames.sort((a, b) => a - b);
      const felt = since(tasks, from);
      return {
        frames: (1000 * frames.length) / (last - from),
        late: frames[Math.floor(0.95 * frames.length)],
        tasks: felt.length,
        longest: longest(felt),
        shift: shifted(since(shifts, from)),
        steps: step() - began,
      };
    },
  };
}
