// Training speed of each preset on this machine, measured when idle.

import type { SessionClient } from '../../client/client';
import { preset } from '../../run/presets';
import { READABLE_STEPS } from './readable';

export class Estimates {
  /** Milliseconds per step, by preset. */
  known = $state.raw<Readonly<Record<string, number>>>({});

  #wanted: string[] = [];

  /** One that is shown. Others are not measured: what the visitor asks for would wait. */
  want(name: string): void {
    if (name in READABLE_STEPS && !(name in this.known)) this.#wanted = [name];
  }

  /** Measures the next one; whether there was one. */
  async measure(client: SessionClient): Promise<boolean> {
    const name = this.#wanted.shift();
    if (name === undefined) return false;
    const config = preset(name);
    if (config) {
      const command = { type: 'benchmark', config, steps: 2 } as const;
      const { ms_per_step } = await client.ask(command, 'benchmarked');
      this.known = { ...this.known, [name]: ms_per_step };
    }
    return true;
  }
}
