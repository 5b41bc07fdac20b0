// Earlier runs that stay on the chart.

import type { SavedRun } from './saved-runs';
import { added, type Arrival, arrival, dropped, type PastRun, toggled } from './past-runs';

export class PastRuns {
  runs = $state.raw<readonly PastRun[]>([]);

  add(run: Arrival): void {
    this.runs = added(this.runs, run);
  }

  /** Puts a run of an earlier visit on the chart. */
  addKept(run: SavedRun, name: string): void {
    this.add(arrival(run, name));
  }

  drop(id: string): void {
    this.runs = dropped(this.runs, id);
  }

  toggle(id: string): void {
    this.runs = toggled(this.runs, id);
  }
}
