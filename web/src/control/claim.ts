// Two tabs must not keep their runs in the same place: the first one does, and
// lets go of it when it closes.

/** How long a page that is just being closed or reloaded may take to let go. */
const PATIENCE = 1_000;

/** What a tab says that came second, and what to do. */
export const ELSEWHERE = [
  'Another tab keeps its run in this browser, so the run in this one is not kept.',
  'Save its checkpoint before you close it, or close the other tab and reload this one.',
] as const;

/** Whether this tab is the one that keeps its run in the browser. */
export function claim(): Promise<boolean> {
  // Only pages served securely have locks; without them a tab cannot know of others.
  if (!('locks' in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = navigator.locks.request(
      'trm-playground',
      { signal: AbortSignal.timeout(PATIENCE) },
      () => {
        resolve(true);
        return new Promise<never>(() => undefined);
      },
    );
    held.catch(() => resolve(false));
  });
}
