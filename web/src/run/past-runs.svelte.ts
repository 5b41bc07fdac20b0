// Earlier runs on the chart, to compare with the current run.

import type { RunConfig } from '../gen';
import type { SavedRun } from './saved-runs';
import type { History } from './state';
import { differing, show, UNFELT, valueOf } from './settings';
import { depthOf } from '../gen';

export interface PastRun {
  readonly id: string;
  readonly name: string;
  readonly step: number;
  readonly history: History;
  /** Unknown of runs that were kept before it was noted. */
  readonly config: RunConfig | null;
  /** Index of the line style; different for all runs on the chart. */
  readonly style: number;
  readonly shown: boolean;
  /** The depth at which its losses are compared. */
  readonly depth: number;
  /** Whether its line is made of validations; too few make none. */
  readonly validated: boolean;
}

/** Past runs that are drawn at once. */
export const MOST_SHOWN = 4;
/** Past runs in the list; one more pushes out the oldest. */
export const MOST_LISTED = 8;

export type Arrival = Pick<PastRun, 'id' | 'name' | 'step' | 'history' | 'config'>;

/** With another run, which is shown; the one that was shown longest makes room for it. */
export function added(runs: readonly PastRun[], run: Arrival): readonly PastRun[] {
  const rest = roomy(dropped(runs, run.id)).slice(1 - MOST_LISTED);
  const depths = run.history.validation.at(-1)?.depths ?? [];
  const depth = run.config ? depthOf(run.config.model) : Math.max(1, ...depths.map((d) => d.depth));
  const validated = run.history.validation.length > 1;
  return [...rest, { ...run, style: free(rest), shown: true, depth, validated }];
}

export function dropped(runs: readonly PastRun[], id: string): readonly PastRun[] {
  return runs.filter((run) => run.id !== id);
}

export function toggled(runs: readonly PastRun[], id: string): readonly PastRun[] {
  const run = runs.find((run) => run.id === id);
  if (!run) return runs;
  if (run.shown) return runs.map((each) => (each === run ? { ...run, shown: false } : each));
  const rest = roomy(runs);
  return rest.map((each) => (each === run ? { ...run, style: free(rest), shown: true } : each));
}

/** Hides as many of the oldest as leave room for one more. */
function roomy(runs: readonly PastRun[]): readonly PastRun[] {
  let excess = runs.filter((run) => run.shown).length - (MOST_SHOWN - 1);
  return runs.map((run) => {
    if (!run.shown || excess <= 0) return run;
    excess -= 1;
    return { ...run, shown: false };
  });
}

function free(runs: readonly PastRun[]): number {
  const taken = new Set(runs.filter((run) => run.shown).map((run) => run.style));
  return [0, 1, 2, 3].find((style) => !taken.has(style)) ?? 0;
}

/** A saved run as an earlier run on the chart. */
export function arrival(kept: SavedRun, name: string): Arrival {
  const { id, step, history, config = null } = kept;
  return { id, name, step, history, config };
}

/** Its last validation loss at the depth it was trained at. */
export function lastLoss({ history, depth }: PastRun): number | null {
  const last = history.validation.at(-1);
  return last?.depths.find((d) => d.depth === depth)?.loss ?? null;
}

/** The settings in which a run differs from the current one, with its own values. */
export function differences(config: RunConfig | null, now: RunConfig): string {
  if (!config) return 'settings not saved';
  const differ = differing(config, now).filter(({ key }) => !UNFELT.includes(key));
  if (differ.length === 0) return 'same settings';
  return differ.map((setting) => `${setting.key} ${show(valueOf(config, setting))}`).join(', ');
}

/** The earlier runs that are listed beside the chart. */
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
