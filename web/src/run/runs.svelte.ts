// Which run is current: the one that the address, the last visit or the visitor asks
// for. Every run is saved before another takes its place.

import { SessionError } from '../client/client';
import type { Family } from '../gen';
import { Autosave } from './autosave.svelte';
import { Bases } from './bases';
import { CurrentRun } from './current-run.svelte';
import type { DatasetChoice } from './dataset';
import type { Gallery } from './gallery.svelte';
import { forgetHanded, handedOver, NOT_ARRIVED } from './handover';
import type { Machine } from './machine.svelte';
import type { Shipped } from './manifest';
import type { Notices } from './notices.svelte';
import type { Arrival, PastRuns } from './past-runs.svelte';
import { preset, titleOf } from './presets';
import { SavedList } from './saved-list.svelte';
import { asideId, type SavedRun, type SavedRuns } from './saved-runs';
import { FORBIDDEN } from './saver';
import { differing, valueOf } from './settings';
import type { Training } from './training.svelte';
import type { RunAddress } from './url';
import { WrongPage } from './wrong-page';

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
  /** The kept run that the current one was restored from. */
  #from: string | null = null;
  /** Ends the wait for the model that the page opens with: a new run begins, and `train` is called. */
  skip: (train: () => void) => void = () => undefined;
  readonly #skipped = new Promise<() => void>((resolve) => (this.skip = resolve));

  constructor(page: RunsContext, preset: string) {
    this.#page = page;
    const { family, datasets, machine, run, notices, standard, remember, store, gallery } = page;
    this.current = new CurrentRun(
      {
        ...{ family, datasets, machine, run, notices, standard, remember },
        bases: new Bases((shipped) => gallery.base(shipped)),
        began: (summary, from) => {
          this.#from = from?.id ?? null;
          this.autosave.began(summary.step, from);
        },
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
   * Restores the last run, or begins with what the address asks for. With
   * neither, the page opens with the model that its manifest names.
   */
  async begin(address: RunAddress, handed = false): Promise<void> {
    // Each run that begins writes the address anew.
    const asked = location.search;
    const { autosave, current } = this;
    const { notices, run, standard, past } = this.#page;
    const last = await autosave.saver.current();
    await this.saved.refresh();
    await autosave.look();
    if (autosave.prevented === 'storage') notices.tell('note', ...FORBIDDEN);
    const file = handed ? await handedOver() : null;
    if (handed && !file) notices.tell('bad', ...NOT_ARRIVED);
    // With the id that it gets once it is set aside.
    const kept = last && { ...last, id: asideId(last.savedAt) };
    // Any other run would replace the puzzle, the prompt or the image of the address.
    const meant = kept !== null && !file && means(address, kept);

    const resume = async (): Promise<void> => {
      if (!kept) return;
      await this.#restore(kept);
      if (meant) await current.configureFromAddress(address.live);
    };
    const put = async (next: () => Promise<void>): Promise<void> => {
      if (!kept && !file) return next();
      await this.#replaceCurrent(next);
      if (kept?.history.training.length) past.addKept(kept, this.titleOf(kept));
    };
    const ask = async (): Promise<void> => {
      const next = file ? () => current.load(file) : await this.#asked(address);
      if (next) await put(next);
      if (file) await forgetHanded();
    };
    const ways = [
      ...(meant ? [resume, ask] : [ask, resume]),
      () => put(() => current.create(address.config, null, address.preset)),
      () => put(() => current.create(preset(standard) ?? run.draft, null, standard)),
    ];
    let problem: SessionError | null = null;
    // The first that opens a run.
    for (const way of ways) {
      try {
        if (!run.state.summary) await way();
      } catch (error) {
        if (!(error instanceof SessionError) || error.severe) throw error;
        // The page that it belongs to is to find it.
        if (file && way === ask && !(error instanceof WrongPage)) await forgetHanded();
        problem ??= way === resume && !run.state.summary ? unopened(error) : error;
      }
    }
    if (!problem) return;
    if (!run.state.summary) throw problem;
    notices.fail(problem, asked);
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
    const come = await this.fetch(shipped, this.#skipped);
    if (typeof come !== 'function') return come && (() => this.current.open(shipped, come, live));
    gallery.leave(shipped);
    return async () => {
      await this.current.create(config, null, name);
      come();
    };
  }

  /**
   * The file of a model that comes with the page, or what comes `instead` of it; `null`, and a
   * message, where it cannot be had.
   */
  async fetch<T = never>(
    shipped: Shipped,
    ...instead: readonly Promise<T>[]
  ): Promise<Uint8Array | T | null> {
    const { gallery, notices } = this.#page;
    try {
      return await Promise.race([gallery.bring(shipped), ...instead]);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      const { message, hint } = error.failure;
      notices.tell('bad', `“${shipped.title}” could not be opened. ${message}`, hint);
      return null;
    }
  }

  /** The title of a saved run. */
  titleOf({ origin, named, preset }: SavedRun): string {
    const shipped = this.#page.gallery.shown.find(({ name }) => name === origin);
    return shipped?.title ?? named ?? titleOf(preset);
  }

  /** Goes on with an earlier run, unless it has left the list meanwhile. */
  async restore(saved: SavedRun): Promise<void> {
    if (this.saved.has(saved)) await this.replace(() => this.#restore(saved));
  }

  /** Puts another run in the place of this one, which is saved. */
  async replace(next: () => Promise<void>): Promise<void> {
    const { notices } = this.#page;
    if (!(await this.autosave.release())) {
      notices.tell(
        'bad',
        'The current run could not be saved in the browser, so it was not replaced.',
        'Save a checkpoint first. If you try again, the current run is discarded.',
      );
      return;
    }
    const before = notices.shown;
    await this.#replaceCurrent(next);
    if (notices.shown === before) notices.dismiss();
  }

  /** Puts another run in the place of what is saved as the current one. */
  async #replaceCurrent(next: () => Promise<void>): Promise<void> {
    const { past } = this.#page;
    const { autosave } = this;
    const leaving = this.#leaving();
    await next();
    if (leaving) past.add(leaving);
    const taken = this.#from;
    // A restored run is current again, not past.
    if (taken !== null) past.drop(taken);
    // Only now: a new run that fails must not replace the current one.
    autosave.saver.replaceAtNextSave(taken);
    if (this.current.untouched) await autosave.saver.vacate();
    else await autosave.save();
    await this.saved.refresh();
    autosave.progressed = true;
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
    const config = run.state.summary?.config;
    if (!origin) return this.current.create(config ?? run.draft, this.current.own);
    // Also to how long it was to be trained.
    const { learning_rate, max_iters } = (config ?? origin.config).train;
    const bytes = await gallery.bring(origin);
    return this.current.open(origin, bytes, { learning_rate, max_iters });
  }
}

/** Whether a saved run is the one that an address means. */
function means({ explicit, checkpoint, config }: RunAddress, saved: SavedRun): boolean {
  if (!explicit) return true;
  if (checkpoint !== null) return checkpoint === saved.origin;
  const { config: own } = saved;
  // A record does not hold settings that came after it.
  return !own || differing(own, config).every((setting) => valueOf(own, setting) === '');
}

/** Why a saved run was not opened. */
function unopened({ failure }: SessionError): SessionError {
  const message = `The saved run was not opened: ${failure.message}`;
  return new SessionError({ ...failure, message }, false);
}
