// Which run is current: the one that the address, the last visit or the visitor asks
// for. Every run is saved before another takes its place.

import { SessionError } from '../client/client';
import type { Family } from '../gen';
import { Autosave } from './autosave.svelte';
import { Bases } from './bases';
import { CurrentRun } from './current-run.svelte';
import type { DatasetChoice } from './dataset';
import type { Gallery } from './gallery.svelte';
import { takeOver } from './handover';
import type { Machine } from './machine.svelte';
import type { Shipped } from './manifest';
import type { Notices } from './notices.svelte';
import type { Arrival, PastRuns } from './past-runs.svelte';
import { preset, titleOf } from './presets';
import { SavedList } from './saved-list.svelte';
import { asideId, type SavedRun, type SavedRuns } from './saved-runs';
import { FORBIDDEN } from './saver';
import { same } from './settings';
import type { Training } from './training.svelte';
import type { RunAddress } from './url';

/** What choosing the current run needs of the page. */
export interface RunsContext {
  readonly family: Family;
  readonly datasets: DatasetChoice;
  readonly machine: Machine;
  readonly run: Training;
  readonly gallery: Gallery;
  readonly notices: Notices;
  readonly past: PastRuns;
  readonly store: SavedRuns;
  /** The preset to begin with where nothing else can be had. */
  readonly standard: string;
  /** Updates the address. */
  readonly remember: () => void;
}

export class Runs {
  readonly current: CurrentRun;
  readonly autosave: Autosave;
  readonly saved: SavedList;

  readonly #page: RunsContext;
  /** Ends the wait for the model that the page opens with. */
  skip: () => void = () => undefined;
  readonly #skipped = new Promise<null>((resolve) => (this.skip = () => resolve(null)));

  constructor(page: RunsContext, preset: string) {
    this.#page = page;
    const { family, datasets, machine, run, notices, standard, remember, store, gallery } = page;
    this.current = new CurrentRun(
      {
        ...{ family, datasets, machine, run, notices, standard, remember },
        bases: new Bases((shipped) => gallery.base(shipped)),
        began: (summary, from) => this.autosave.began(summary.step, from),
        configured: () => this.autosave.save(),
      },
      preset,
    );
    const complain = (message: string, hint: string) => notices.tell('bad', message, hint);
    this.autosave = new Autosave(store, `trm-${family}`, complain, {
      step: () => run.state.step,
      possible: () => run.state.summary !== null && run.phase !== 'broken',
      needless: () => this.current.untouched,
      take: () => this.current.snapshot(),
      saved: () => void this.saved.measure(),
    });
    this.saved = new SavedList(this.autosave.saver);
  }

  /**
   * Restores the last run; what the address asks for takes its place. With
   * neither, the page opens with the model that its manifest names.
   */
  async begin(address: RunAddress, handed = false): Promise<void> {
    const { autosave, current } = this;
    const last = await autosave.saver.current();
    await this.saved.refresh();
    await autosave.look();
    const { notices, run, standard } = this.#page;
    if (autosave.prevented === 'storage') notices.tell('note', ...FORBIDDEN);
    const file = handed ? await takeOver() : null;
    if (last) {
      await this.#restore(last);
      if (!file && (await this.#agrees(address))) return;
    }
    const next = file ? () => current.load(file) : await this.#asked(address);
    const asked = location.search;
    try {
      if (last) return next ? await this.replace(next) : undefined;
      await (next ?? (() => current.create(address.config, null, address.preset)))();
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      // The address requests something impossible: report it, and start with a default.
      if (!last) await current.create(preset(standard) ?? run.draft, null, standard);
      notices.fail(error, asked);
    }
  }

  /** Whether the run that was restored is the one that the address means. */
  async #agrees({ explicit, checkpoint, live, config }: RunAddress): Promise<boolean> {
    if (!explicit) return true;
    const { summary } = this.#page.run.state;
    if (checkpoint === null) return summary !== null && same(summary.config, config);
    if (checkpoint !== this.current.origin?.name) return false;
    await this.current.configure(live);
    return true;
  }

  /** How to begin with what the address or the manifest asks for; `null` where that cannot be had. */
  async #asked(address: RunAddress): Promise<(() => Promise<void>) | null> {
    const { gallery, notices } = this.#page;
    const { checkpoint, explicit, config, live, preset: name } = address;
    const shipped =
      checkpoint !== null
        ? await gallery.find(checkpoint)
        : explicit
          ? null
          : await gallery.first();
    if (checkpoint !== null && !shipped) {
      const hint = 'Choose another model, or train one from scratch.';
      notices.tell('bad', `This page has no model “${checkpoint}”.`, hint);
      return null;
    }
    if (!shipped) return () => this.current.create(config, null, name);
    const bytes = await Promise.race([this.fetch(shipped), this.#skipped]);
    return bytes && (() => this.current.open(shipped, bytes, live));
  }

  /** The file of a model that comes with the page; `null`, and a message, where it cannot be had. */
  async fetch(shipped: Shipped): Promise<Uint8Array | null> {
    const { gallery, notices } = this.#page;
    try {
      return await gallery.bring(shipped);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      const { message, hint } = error.failure;
      notices.tell('bad', `“${shipped.title}” could not be opened. ${message}`, hint);
      return null;
    }
  }

  restore(saved: SavedRun): Promise<void> {
    return this.replace(() => this.#restore(saved), saved.id);
  }

  /** Puts another run in the place of this one, which is saved. */
  async replace(next: () => Promise<void>, taken: string | null = null): Promise<void> {
    const { notices, past } = this.#page;
    const { autosave } = this;
    if (!(await autosave.release())) {
      notices.tell(
        'bad',
        'The current run could not be saved in the browser, so it was not replaced.',
        'Save a checkpoint first. If you try again, the current run is discarded.',
      );
      return;
    }
    const before = notices.shown;
    const leaving = this.#leaving();
    await next();
    if (leaving) past.add(leaving);
    // A restored run is current again, not past.
    if (taken !== null) past.drop(taken);
    // Only now: a new run that fails must not replace the current one.
    autosave.saver.succeed(taken);
    if (this.current.untouched) await autosave.saver.vacate();
    else await autosave.save();
    await this.saved.refresh();
    autosave.progressed = true;
    if (notices.shown === before) notices.dismiss();
  }

  /** The current run as one to compare with, if it has trained. */
  #leaving(): Arrival | null {
    const { step, training, validation, elapsed, changes, summary } = this.#page.run.state;
    if (!summary || training.length === 0) return null;
    return {
      id: asideId(this.autosave.savedAt ?? Date.now()),
      name: this.current.origin?.title ?? this.current.named ?? titleOf(this.current.preset),
      step,
      history: { training, validation, elapsed, changes },
      config: summary.config,
    };
  }

  async #restore(saved: SavedRun): Promise<void> {
    const { origin } = saved;
    const came = origin === undefined ? null : await this.#page.gallery.find(origin);
    await this.current.restore(saved, came);
  }

  /** Restores the last save, or the start of the run, in a new worker. */
  async back(): Promise<void> {
    const last = await this.autosave.saver.latest();
    if (last) return this.#restore(last);
    const { gallery, run } = this.#page;
    const { origin } = this.current;
    if (!origin) return this.current.create(run.draft, this.current.own);
    // Also to how long it was to be trained.
    const { learning_rate, max_iters } = (run.state.summary?.config ?? origin.config).train;
    const bytes = await gallery.bring(origin);
    return this.current.open(origin, bytes, { learning_rate, max_iters });
  }
}
