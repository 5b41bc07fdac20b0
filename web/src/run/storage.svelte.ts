// The browser's storage: used and free.

export interface Space {
  readonly used: number;
  readonly free: number;
}

export class Room {
  /** `null` where the browser does not say: only pages served securely are told. */
  shown = $state.raw<Space | null>(null);

  async measure(): Promise<void> {
    try {
      const { usage = 0, quota = 0 } = await navigator.storage.estimate();
      this.shown = { used: usage, free: Math.max(0, quota - usage) };
    } catch {
      this.shown = null;
    }
  }
}
