// The puzzle room: what there is to see of a model that solves, and what it can be
// asked.

import { trainedFor } from '../../run/format';
import type { SessionClient } from '../../client/client';
import type { RunConfig } from '../../gen';
import type { SavedRuns } from '../../run/saved-runs';
import type { Shipped } from '../../run/manifest';
import { preset, presetOfKind, titleOf } from '../../run/presets';
import { knowsAll } from './arc';
import type { Grade } from './kinds';
import { ARC, kindOf, OFFERED, type Subject } from './kinds';
import type { PuzzleAnswer } from './solving';
import { inTab } from './browser-config';
import { type Look, type PuzzleAddress, STANDARD, writePuzzle } from './url';
import { RunController } from '../../run/controller.svelte';
import type { Cursor } from '../../run/cursor.svelte';
import type { ArcPredictions } from './arc-answers.svelte';
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
      wish: address,
      ...{ spawn, store, preset: address.preset, standard: STANDARD },
      run: (machine) => new Solver(machine, address.config, editor, tasks, { ...address.look }),
    });
    this.#address = address;
    editor.settled = () => this.bar.soon(this.address());
    this.complain(address.problems);
  }

  /** Takes up the last run, opens a model or starts one, and goes on until the page closes. */
  live(): Promise<never> {
    return this.loop.live(async () =>
      this.runs.begin(await this.#resolved(), this.#address.handed),
    );
  }

  get editor(): PuzzleEditor {
    return this.run.editor;
  }
  get tasks(): Tasks {
    return this.run.tasks;
  }
  get attempts(): ArcPredictions {
    return this.run.attempts;
  }
  /** Title of the current model and how long it was trained. */
  get who(): string {
    const { summary, step } = this.state;
    if (!summary) return '';
    const name = this.origin?.title ?? titleOf(this.preset);
    return `${name}, ${trainedFor(step)}`;
  }
  /** What the room is about now. */
  get subject(): Subject {
    if (this.state.summary) return this.run.subject;
    return this.#address.kind ?? this.editor.kind;
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
  /** Supervision steps that the puzzle is given. */
  get steps(): number {
    return this.run.steps;
  }
  /** Steps of the answer at hand; 0 without one. */
  get answered(): number {
    return this.run.answered;
  }
  /** The step that is looked at. */
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

  read(text: string): void {
    this.editor.read(text);
    this.#given();
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

  /** Looks at a step and a cell. */
  point(step: number | null, at: number | null): void {
    this.cursor.set(step, at);
  }

  /** Looks at a cell, whatever step is being shown. */
  pointAt(at: number): void {
    this.cursor.at = at;
  }

  lookAt(change: Partial<Look>): void {
    Object.assign(this.run.look, change);
    if (change.steps !== undefined) {
      this.cursor.set(null, this.cursor.at);
      this.run.hurry();
    }
    this.bar.soon(this.address());
    this.queue.poke();
  }

  /** What held-out puzzles tell comes into sight, or leaves it. */
  watch(seen: boolean): void {
    this.run.watch(seen);
    if (seen) this.queue.poke();
  }

  /** Puzzles of another kind, with a model for them: a trained one where there is one. */
  chooseKind(name: string): void {
    const shipped = this.shippedFor(name);
    const untrained = presetOfKind(name);
    if (shipped) void this.open(shipped);
    else if (untrained) this.choosePreset(untrained);
  }

  /** The model of the page that solves a kind of puzzle. */
  shippedFor(kind: string): Shipped | null {
    return this.gallery.shown.find(({ dataset }) => dataset === kind) ?? null;
  }

  /** JSON is tasks, anything else a puzzle of the kind at hand. */
  takeText(name: string, text: string): void {
    if (this.subject === ARC || /\.json$/i.test(name)) this.takeTasks(name, text);
    else this.read(text);
  }

  takePasted(text: string): void {
    if (this.subject === ARC || text.trimStart().startsWith('{')) this.takeTasks('pasted', text);
    else this.read(text);
  }

  /** Takes ARC tasks in the place of those at hand; a model that has learned nothing begins with them. */
  takeTasks(name: string, text: string): void {
    this.queue.add(async () => {
      await this.tasks.read(this.machine.client, name, text);
      this.#laid();
    });
  }

  /** Back to the tasks that come with the page. */
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

  /** Whether the model at hand can be asked all that lies here. */
  get knows(): boolean {
    return knowsAll(this.state.summary?.vocab, this.tasks.all);
  }

  /** Puts the test at hand to the model, guise after guise. */
  attempt(): void {
    this.run.attempt();
    this.queue.poke();
  }

  /** A new model, set up as the one at hand, learns the tasks that lie here. */
  trainTasks(): void {
    this.succeed(async () => {
      await this.runs.create(this.draft, this.lessons);
      this.train();
    });
  }

  /** Other tasks lie on the desk. */
  #laid(): void {
    this.notices.dismiss();
    this.#turned();
    const { summary, step } = this.state;
    if (this.subject !== ARC) this.chooseKind(ARC.name);
    else if (step === 0 && summary?.trainable && this.runs.text !== this.tasks.text) this.restart();
  }

  #turned(): void {
    this.attempts.forget();
    this.cursor.set(null, null);
    this.bar.soon(this.address());
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
    await this.runs.create(this.#inTab(config), tasks, name);
  }

  #inTab(config: RunConfig): RunConfig {
    return inTab(config, this.device?.info.backend ?? 'cpu');
  }

  protected override get lessons(): string | null {
    return this.draft.data.dataset === ARC.name ? this.tasks.text : null;
  }

  protected spare(): Promise<boolean> {
    return Promise.resolve(false);
  }

  protected address(): string {
    const { preset, origin, look, editor, tasks } = this;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    const page = { preset, config, origin, look, device, software };
    if (this.subject !== ARC) {
      return writePuzzle({ ...page, kind: editor.kind, puzzle: editor.board });
    }
    return writePuzzle({ ...page, kind: ARC, task: tasks.task?.name ?? null, test: tasks.test });
  }
}
