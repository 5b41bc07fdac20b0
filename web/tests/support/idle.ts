// A run that has nothing to do beside training, and shows nothing.

import type { RunSummary } from '../../src/gen';
import { Training } from '../../src/run/training.svelte';

export class Idle extends Training {
  begin(...[summary]: [RunSummary, ...unknown[]]): void {
    this.begun(summary, null);
  }
  respond(): Promise<boolean> {
    return Promise.resolve(false);
  }
  idle(): Promise<boolean> {
    return Promise.resolve(false);
  }
  due(): null {
    return null;
  }
  protected stepped(): void {}
  protected finish(): Promise<void> {
    return Promise.resolve();
  }
}
