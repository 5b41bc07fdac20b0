// The current puzzle run: training, the answer to the puzzle on the board, and scores on
// held-out puzzles. ARC tests are answered in all augmented copies: when one is opened that
// the model has learned, and on request. A Sudoku or a maze is asked in several symmetric
// copies on request.

import type { PuzzleScores, RunConfig, RunSummary } from '../../gen';
import { depthOf, lengthOf } from '../../gen';
import type { History } from '../../run/state';
import { knowsAll } from './arc';
import { ARC, kindFor, type Subject } from './kinds';
import { type PuzzleAnswer, halts, stepsOf, stopAt } from './solving';
import type { Look } from './url';
import { Cursor } from '../../run/cursor.svelte';
import type { Machine } from '../../run/machine.svelte';
import { Training } from '../../run/training.svelte';
import { ArcPredictions } from './arc-predictions.svelte';
import { PuzzleCopies } from './puzzle-copies.svelte';
import type { PuzzleEditor } from './editor.svelte';
import type { Tasks } from './arc-tasks.svelte';

/** Milliseconds between two answers during training. */
const EVERY = 1_000;
/** Milliseconds between two evaluations. */
const JUDGE_EVERY = 4_000;
/** Seconds of training per second of evaluation. */
const SHARE = 4;
/** Candidates of each cell: all that a maze has, and more of a Sudoku than are shown. */
const TOP = 6;
/** Held-out cells per evaluation. */
const JUDGED_CELLS = 2048;
const MOST_JUDGED = 64;
/** Share of held-out puzzles that are solved completely, at which there is nothing to learn. */
const GOAL = 0.98;

export class Solver extends Training {
  readonly editor: PuzzleEditor;
  readonly tasks: Tasks;
  readonly predictions = new ArcPredictions();
  readonly copies = new PuzzleCopies();
  readonly cursor = new Cursor();
  look: Look;
  /** The answer to the puzzle itself. */
  #examined = $state.raw<PuzzleAnswer | null>(null);
  /** Called once when a run that could not do so solves nearly all held-out puzzles. */
  reached: (share: number, puzzles: number) => void = () => undefined;

  /** Whether the visitor prefers reduced motion: then the last step is shown at once. */
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #stale = true;
  #arrived = true;
  /** Whether an ARC test was opened that nobody asked the model about yet. */
  #opened = false;
  #examineAt = 0;
  #judgeAt = 0;
  #judged = -1;
  #seen = false;

  constructor(machine: Machine, config: RunConfig, editor: PuzzleEditor, tasks: Tasks, look: Look) {
    super(machine, config);
    this.editor = editor;
    this.tasks = tasks;
    this.look = $state(look);
  }

  begin(
    summary: RunSummary,
    text: string | null,
    history: History | null,
    finished: boolean,
  ): void {
    this.begun(summary, history);
    const arc = summary.vocab.kind === 'arc';
    const kind = arc ? null : kindFor(summary);
    // A cell of one board is none of another.
    const same = kind?.name === this.editor.kind.name;
    if (arc && text !== null) this.tasks.turn(text);
    if (kind) this.editor.turn(kind);
    else this.editor.leave('This page has no board for this kind of puzzle.');
    this.turned();
    this.cursor.set(null, same ? this.cursor.at : null);
    this.#examined = null;
    this.#arrived = true;
    this.#judged = finished ? summary.step : (history?.judged?.at(-1)?.step ?? -1);
    this.#judgeAt = 0;
    this.hurry();
  }

  override change(summary: RunSummary): void {
    // What cannot be trained has no held-out puzzles either.
    if (summary.trainable && !this.state.summary?.trainable) this.#judged = -1;
    super.change(summary);
  }

  /** The kind that the model solves; without a model, the kind on the board. */
  get subject(): Subject {
    return this.state.summary?.vocab.kind === 'arc' ? ARC : this.editor.kind;
  }

  /** The answer on the board: to the selected copy, or to the puzzle itself. */
  get examined(): PuzzleAnswer | null {
    return this.copies.shown ?? this.#examined;
  }

  /** Supervision steps to run. */
  get steps(): number {
    const { summary } = this.state;
    return this.look.steps ?? (summary ? depthOf(summary.config.model) : 1);
  }

  /** Supervision steps of the current answer; 0 without one. */
  get answered(): number {
    if (this.subject === ARC) return this.predictions.shown?.answers.length ?? 0;
    return this.examined ? stepsOf(this.examined) : 0;
  }

  /** The selected supervision step, from 1. */
  get shown(): number {
    const last = Math.max(1, this.answered);
    return Math.min(this.cursor.cycle ?? last, last);
  }

  /** Asks the model the puzzle on the board in several augmented copies. */
  askCopies(): void {
    const { kind, posed } = this.editor;
    if (!posed) return;
    const { steps, look } = this;
    this.cursor.set(null, this.cursor.at);
    this.copies.begin({ kind, puzzle: posed.tokens, steps, top: TOP, threshold: look.threshold });
  }

  /** Runs the model on all augmented copies of the selected test. */
  predict(): void {
    const { task, test, pair } = this.tasks;
    this.#opened = false;
    if (task && pair) this.predictions.begin({ task, test, steps: this.steps });
    this.cursor.set(null, null);
  }

  /** Another ARC test is selected, or the same one for another model. */
  turned(): void {
    this.predictions.forget();
    this.cursor.set(null, null);
    this.#opened = true;
  }

  /** Another number of steps is to be run: what was answered is asked again. */
  again(): void {
    this.cursor.set(null, this.cursor.at);
    if (this.subject === ARC) this.turned();
    else this.hurry();
  }

  /** Whether the model can answer the selected test, and has learned something for it. */
  get #prepared(): boolean {
    const { summary, step } = this.state;
    const { task } = this.tasks;
    return step > 0 && task !== null && knowsAll(summary?.vocab, [task]);
  }

  /** The step at which early stopping stops; `null` without an answer. */
  get stop(): number | null {
    return this.examined && stopAt(halts(this.examined), this.look.threshold);
  }

  /** Whether the visitor waits for an answer. */
  hurry(): void {
    this.copies.forget();
    this.#stale = true;
    this.#examineAt = 0;
  }

  /** The held-out scores become visible, or are no longer visible. */
  watch(seen: boolean): void {
    this.#seen = seen;
  }

  async respond(now: number): Promise<boolean> {
    const { editor, tasks, predictions, copies, machine } = this;
    if (tasks.pending) {
      await tasks.settle(machine.client);
      return true;
    }
    // Of a model that must learn first, the visitor asks.
    this.#opened &&= this.#prepared;
    if (this.#opened && this.phase !== 'training') this.predict();
    if (predictions.wanted) {
      await this.#predictNext();
      return true;
    }
    if (editor.pending) {
      const arrived = await editor.settle(machine.client);
      if (arrived === 'refused') return true;
      if (arrived === 'whole') {
        this.#arrived = true;
        this.#examined = null;
      }
      this.hurry();
      return true;
    }
    if (copies.wanted) {
      await copies.next(machine.client);
      return true;
    }
    if (this.#stale && editor.posed && now >= this.#examineAt) {
      await this.#examine();
      return true;
    }
    if (this.phase === 'training' && now >= this.#judgeAt && this.#judgeable) {
      await this.#judge();
      return true;
    }
    return false;
  }

  async idle(): Promise<boolean> {
    if (!this.#seen || this.wanted || this.#judged === this.state.step) return false;
    if (!this.#judgeable) return false;
    await this.#judge();
    return true;
  }

  due(now: number): number | null {
    return this.#stale && this.editor.posed ? Math.max(0, this.#examineAt - now) : null;
  }

  protected stepped(): void {
    this.copies.forget();
    this.#stale = true;
  }

  protected finish(): Promise<void> {
    return this.#judge();
  }

  /**
   * Whether there is something to judge by. Of ARC, a guess is not worth the time that
   * its canvas takes.
   */
  get #judgeable(): boolean {
    const { summary, step } = this.state;
    if (!summary?.trainable || summary.val_tokens === 0) return false;
    return this.subject !== ARC || step > 0;
  }

  /** Answers one more augmented copy; the steps of the first one are played. */
  async #predictNext(): Promise<void> {
    const { predictions } = this;
    const first = predictions.answers.length === 0;
    await predictions.next(this.machine.client);
    const { shown } = predictions;
    if (first && shown && !this.#still.matches) this.cursor.play(shown.answers.length);
  }

  /** Asks for the answer after every step, and shows it from the first where the puzzle is new. */
  async #examine(): Promise<void> {
    const { kind, posed } = this.editor;
    if (!posed) return;
    this.#stale = false;
    const puzzle = posed.tokens;
    const before = performance.now();
    const command = { kind: kind.name, puzzle, steps: this.steps, top: TOP, copy: 0 };
    const answer = await this.machine.client.ask(
      { type: 'solve_puzzle', ...command },
      'puzzle_solved',
    );
    const ms = performance.now() - before;
    this.#examineAt = before + Math.max(EVERY, SHARE * ms);
    const { trace, checks, step } = answer;
    this.#examined = { kind, puzzle, trace, checks, step };
    const watched = this.#arrived && this.phase !== 'training' && !this.#still.matches;
    this.#arrived = false;
    if (watched) this.cursor.play(trace.steps.length);
  }

  async #judge(): Promise<void> {
    const { summary } = this.state;
    this.#judged = this.state.step;
    if (!summary || !this.#judgeable) return;
    const before = performance.now();
    const puzzles = Math.min(MOST_JUDGED, Math.ceil(JUDGED_CELLS / lengthOf(summary.config.model)));
    const command = {
      type: 'evaluate_puzzles',
      steps: depthOf(summary.config.model),
      puzzles,
    } as const;
    const { step, scores } = await this.machine.client.ask(command, 'puzzles_evaluated');
    const ms = performance.now() - before;
    this.#judgeAt = performance.now() + Math.max(JUDGE_EVERY, SHARE * ms);
    const solved = ({ steps }: PuzzleScores) => steps.at(-1)?.exact_accuracy ?? 0;
    const earlier = this.state.judged.map(({ scores }) => solved(scores));
    this.apply({ type: 'judged', judged: { step, scores } });
    const first = earlier.length > 0 && earlier.every((share) => share < GOAL);
    if (first && solved(scores) >= GOAL && this.phase === 'training') {
      this.reached(solved(scores), scores.puzzles);
    }
  }
}
