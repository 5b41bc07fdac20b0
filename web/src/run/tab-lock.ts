// Two tabs must not keep their runs in the same place: the first one does, and
// lets go of it when it closes.

/** How long a page that is just being closed or reloaded may take to let go. */
const PATIENCE = 1_000;

/** Message and hint in the second tab. */
export const ELSEWHERE = [
  'Another tab saves its run in this browser, so the run in this tab is not saved.',
  'Save a checkpoint before you close or reload this tab. Runs are saved here once the other tab is closed and this one is reloaded.',
] as const;

/** Milliseconds between two attempts in that time. */
const AGAIN = 100;

/** Whether this tab is the one that keeps its run in that place of the browser. */
export async function claim(place: string): Promise<boolean> {
  // Only pages served securely have locks; without them a tab cannot know of others.
  if (!('locks' in navigator)) return true;
  // An answer may be long in coming on a busy machine; that alone is no other tab.
  let waited = 0;
  while (!(await held(place))) {
    if (waited >= PATIENCE) return false;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
    waited += AGAIN;
  }
  return true;
}

/** Takes the lock until the page closes, if it is free. */
function held(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const lock = (lock: Lock | null) => {
      resolve(lock !== null);
      return lock && new Promise<never>(() => undefined);
    };
    // A page in a frame may be forbidden to ask, which throws at once.
    const asked = async () => navigator.locks.request(place, { ifAvailable: true }, lock);
    asked().catch(() => resolve(false));
  });
}
