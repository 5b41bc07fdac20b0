// State and actions of the puzzles page.

import type { SessionClient } from '../../client/client';
import type { RunConfig } from '../../gen';
import type { SavedRuns } from '../../run/saved-runs';
import type { Shipped } from '../../run/manifest';
import { preset, presetOfKind } from '../../run/presets';
import { knowsAll } from './arc';
import type { Grade } from './kinds';
import { ARC, kindOf, OFFERED, type Subject } from './kinds';
import type { PuzzleAnswer } from './solving';
import { inTab } from './browser-config';
import { type Look, type PuzzleAddress, STANDARD, writePuzzle } from './url';
import { RunController } from '../../run/controller.svelte';
import type { Cursor } from '../../run/cursor.svelte';
import type { ArcPredictions } from './arc-predictions.svelte';
import type { PuzzleCopies } from './puzzle-copies.svelte';
import { PuzzleDatasets } from './datasets';
import { PuzzleEditor } from './editor.svelte';
import { Solver } from './solver.svelte';
import { Tasks } from './arc-tasks.svelte';

export class PuzzlesPage extends RunController<Solver> {
  readonly #address: PuzzleAddress;

  constructor(address: PuzzleAddress, spawn: () => SessionClient, store: SavedRuns) {
    const asked = address.kind?.family === 'arc' ? null : address.kind;
    const kind = asked ?? kindOf(address.config.data.dataset) ?? kindOf(STANDARD);
    if (!kind) throw new Error('the page was built without kinds of puzzle');
    const editor = new PuzzleEditor(kind, address.puzzle);
    const tasks = new Tasks(address.task, address.test);
    super({
      family: 'puzzles',
      datasets: new PuzzleDatasets(),
      wish: address,
      ...{ spawn, store, preset: address.preset, standard: STANDARD },
      run: (machine) => new Solver(machine, address.config, editor, tasks, { ...address.look }),
    });
    this.#address = address;
    editor.settled = () => this.bar.soon(this.address());
    this.run.reached = (share, puzzles) => this.#done(share, puzzles);
    this.complain(address.problems);
  }

  /** Resumes the last run, opens a model or starts a run, and runs until the page closes. */
  live(): Promise<never> {
    return this.loop.live(async () =>
      this.runs.begin(await this.#resolved(), this.#address.handed),
    );
  }

  /** A run has learned its puzzles: it pauses and says so. */
  #done(share: number, puzzles: number): void {
    const steps = this.state.step.toLocaleString('en-US');
    const solved = `${Math.round(100 * share)} % of ${puzzles} held-out puzzles`;
    this.pause();
    this.notices.tell(
      'good',
      `It solves ${solved} after ${steps} steps, so training pauses.`,
      'Watch it under Explore, or press Train to continue.',
    );
  }

  get editor(): PuzzleEditor {
    return this.run.editor;
  }
  get tasks(): Tasks {
    return this.run.tasks;
  }
  get predictions(): ArcPredictions {
    return this.run.predictions;
  }
  /** The current kind of puzzle. */
  get subject(): Subject {
    if (this.state.summary) return this.run.subject;
    return this.#address.kind ?? this.editor.kind;
  }
  get copies(): PuzzleCopies {
    return this.run.copies;
  }
  get cursor(): Cursor {
    return this.run.cursor;
  }
  get examined(): PuzzleAnswer | null {
    return this.run.examined;
  }
  get look(): Readonly<Look> {
    return this.run.look;
  }
  /** Supervision steps to run. */
  get steps(): number {
    return this.run.steps;
  }
  /** Supervision steps of the current answer; 0 without one. */
  get answered(): number {
    return this.run.answered;
  }
  /** The selected supervision step. */
  get shown(): number {
    return this.run.shown;
  }
  get stop(): number | null {
    return this.run.stop;
  }

  make(grade?: Grade): void {
    this.editor.make(grade);
    this.#given();
  }

  /** Reads a puzzle; gives whether it is on the board, once it has been checked. */
  read(text: string): Promise<boolean> {
    const whole = this.editor.read(text);
    this.#given();
    return whole;
  }

  put(at: number, token: number): void {
    this.editor.put(at, token);
    this.run.cursor.set(null, at);
    this.#given();
  }

  clear(): void {
    this.editor.clear();
    this.run.cursor.set(null, this.cursor.at);
    this.#given();
  }

  undo(): void {
    if (!this.editor.undoable) return;
    this.editor.undo();
    this.run.cursor.set(null, this.cursor.at);
    this.#given();
  }

  lookAt(change: Partial<Look>): void {
    Object.assign(this.run.look, change);
    if (change.steps !== undefined) this.run.again();
    this.bar.soon(this.address());
    this.queue.poke();
  }

  /** Asks the model the puzzle in several augmented copies, one after another. */
  askCopies(): void {
    this.run.askCopies();
    this.queue.poke();
  }

  /** The held-out scores become visible, or are no longer visible. */
  watch(seen: boolean): void {
    this.run.watch(seen);
    if (seen) this.queue.poke();
  }

  /** Changes the kind of puzzle and opens a model for it, a pre-trained one if possible. */
  chooseKind(name: string): void {
    const shipped = this.shippedFor(name);
    const untrained = presetOfKind(name);
    if (shipped) void this.open(shipped);
    else if (untrained) this.choosePreset(untrained);
  }

  /** The pre-trained model for a kind of puzzle. */
  shippedFor(kind: string): Shipped | null {
    return this.gallery.shown.find(({ dataset }) => dataset === kind) ?? null;
  }

  /** JSON means ARC tasks, any other text a puzzle of the current kind. */
  takeText(name: string, text: string): void {
    if (this.subject === ARC || /\.json$/i.test(name)) this.takeTasks(name, text);
    else void this.read(text);
  }

  takePasted(text: string): void {
    if (this.subject === ARC || text.trimStart().startsWith('{')) this.takeTasks('pasted', text);
    else void this.read(text);
  }

  /** Replaces the loaded ARC tasks; an untrained model starts with the new ones. */
  takeTasks(name: string, text: string): void {
    this.queue.add(async () => {
      await this.tasks.read(this.machine.client, name, text);
      this.#laid();
    });
  }

  /** Loads the sample tasks. */
  takeSample(): void {
    this.tasks.sample();
    this.#laid();
  }

  chooseTask(name: string): void {
    this.tasks.choose(name);
    this.#turned();
  }

  chooseTest(test: number): void {
    this.tasks.chooseTest(test);
    this.#turned();
  }

  /** Whether the current model was trained on all loaded tasks. */
  get knows(): boolean {
    return knowsAll(this.state.summary?.vocab, this.tasks.all);
  }

  /** Runs the model on the selected test, one augmented copy after another. */
  predict(): void {
    this.run.predict();
    this.queue.poke();
  }

  /** Trains a new model with the current settings on the loaded tasks. */
  trainTasks(): void {
    this.replaceRun(async () => {
      await this.current.create(this.draft, this.own);
      this.train();
    });
  }

  /** Other tasks were loaded. */
  #laid(): void {
    this.notices.dismiss();
    this.#turned();
    const { summary, step } = this.state;
    const untrained = presetOfKind(ARC.name);
    if (this.subject !== ARC && this.tasks.sampled) this.chooseKind(ARC.name);
    // The model of the page knows none but the sample tasks.
    else if (this.subject !== ARC && untrained) this.choosePreset(untrained);
    else if (step === 0 && summary?.trainable && this.current.own !== this.tasks.text)
      this.restart();
  }

  #turned(): void {
    this.run.turned();
    this.#given();
  }

  #given(): void {
    this.bar.soon(this.address());
    this.queue.poke();
  }

  /** Unless the address names a run: the model of the page for what is asked. */
  async #resolved(): Promise<PuzzleAddress> {
    const address = this.#address;
    if (address.named) return address;
    await this.gallery.manifest;
    const wanted = address.kind ? [address.kind.name] : OFFERED;
    const shipped = wanted.map((kind) => this.shippedFor(kind)).find((model) => model !== null);
    if (shipped) return { ...address, checkpoint: shipped.name };
    return { ...address, config: this.#inTab(address.config) };
  }

  protected async fromNothing(name: string): Promise<void> {
    const config = preset(name);
    if (!config) return;
    const tasks = config.data.dataset === ARC.name ? this.tasks.text : null;
    await this.current.create(this.#inTab(config), tasks, name);
  }

  #inTab(config: RunConfig): RunConfig {
    return inTab(config, this.device?.info.backend ?? 'cpu');
  }

  protected override get own(): string | null {
    return this.draft.data.dataset === ARC.name ? this.tasks.text : null;
  }

  protected spare(): Promise<boolean> {
    return Promise.resolve(false);
  }

  protected address(): string {
    const { look, editor, tasks } = this;
    const { preset, origin } = this.current;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    const page = { preset, config, origin, look, device, software, cores: this.cores.chosen };
    if (this.subject !== ARC) {
      return writePuzzle({ ...page, kind: editor.kind, puzzle: editor.board });
    }
    return writePuzzle({ ...page, kind: ARC, task: tasks.task?.name ?? null, test: tasks.test });
  }
}
