// The run in the worker and its data: creating, loading and saving.

import { type SessionClient, SessionError } from '../client/client';
import type { Lessons, RunConfig, RunSummary, Saved } from '../gen';
import { CURRENT, type SavedRun } from './saved-runs';
import { ARC } from '../rooms/puzzles/kinds';
import { SAMPLE_TEXT } from '../rooms/puzzles/arc-sample';
import { variantOf } from './checkpoint';
import { type Family, familyOf, type Variant } from './models';
import type { RunState } from './state';
import { WrongPage } from './wrong-page';
import { Corpora, named } from './dataset';

export class WorkerRun {
  /** The text, when it is the visitor's own; of ARC the tasks, as JSON. */
  text: string | null = null;

  readonly #family: Family;
  /** A model loaded without its data, which is attached before training. */
  #unequipped: { checkpoint: Uint8Array; optimizer: Uint8Array | null } | null = null;
  readonly #corpora = new Corpora();

  constructor(family: Family) {
    this.#family = family;
  }

  /** The content of a text; Shakespeare for `null`. */
  async corpus(text: string | null): Promise<string> {
    return text ?? this.#corpora.shakespeare();
  }

  async create(client: SessionClient, wanted: RunConfig, text: string | null): Promise<RunSummary> {
    this.#admit(wanted.model.variant);
    const config = this.#family === 'language' ? named(wanted, text) : unfilled(wanted);
    const own = wanted.data.dataset === ARC.name ? (text ?? SAMPLE_TEXT) : text;
    const lessons = await this.#lessons(own, wanted);
    const { summary } = await client.ask({ type: 'create', config, lessons }, 'ready');
    this.#unequipped = null;
    this.text = own;
    return summary;
  }

  async load(
    client: SessionClient,
    checkpoint: Uint8Array,
    optimizer: Uint8Array | null,
    text: string | null,
  ): Promise<RunSummary> {
    const variant = variantOf(checkpoint);
    // A file without a readable header is rejected by the engine.
    if (variant) this.#admit(variant);
    if (this.#family === 'puzzles') {
      const command = { type: 'load', checkpoint, optimizer: null, lessons: null } as const;
      const { summary } = await client.ask(command, 'ready');
      this.#unequipped = { checkpoint, optimizer };
      this.text = text;
      return summary;
    }
    const lessons: Lessons = { kind: 'text', text: await this.corpus(text) };
    const summary = await load(client, checkpoint, optimizer, lessons);
    this.text = text;
    return summary;
  }

  /** Whether lessons can still be made for the run at hand. */
  get equippable(): boolean {
    return this.#unequipped !== null;
  }

  /**
   * Makes the lessons of a run that was loaded to be asked. Many puzzles take a while;
   * of ARC they are `tasks`, and others than it knows are refused.
   */
  async equip(client: SessionClient, tasks: string | null = null): Promise<RunSummary | null> {
    const from = this.#unequipped;
    if (!from) return null;
    if (tasks !== null) {
      const command = { type: 'load', ...from, lessons: lessonsOf(tasks) } as const;
      const { summary } = await client.ask(command, 'ready');
      this.#unequipped = null;
      this.text = tasks;
      return summary;
    }
    this.#unequipped = null;
    return load(client, from.checkpoint, from.optimizer, { kind: 'puzzles' });
  }

  /** Refuses a model of another family before anything is given up for it. */
  #admit(variant: Variant): void {
    if (familyOf({ variant }) !== this.#family) throw new WrongPage(variant);
  }

  async #lessons(text: string | null, { data }: RunConfig): Promise<Lessons> {
    if (this.#family === 'language') return { kind: 'text', text: await this.corpus(text) };
    return data.dataset === ARC.name && text !== null ? lessonsOf(text) : { kind: 'puzzles' };
  }

  async save(client: SessionClient): Promise<Saved> {
    const { optimizer = null } = this.#unequipped ?? {};
    const { saved } = await client.ask({ type: 'save' }, 'saved');
    // The training data is not in the worker yet.
    return optimizer ? { ...saved, optimizer } : saved;
  }

  /** The run with everything that is needed to resume it. */
  async keepable(
    client: SessionClient,
    from: Pick<SavedRun, 'preset' | 'origin'>,
    state: RunState,
  ): Promise<SavedRun> {
    const saved = await this.save(client);
    const { training, validation, elapsed, changes, judged, summary } = state;
    return {
      id: CURRENT,
      ...from,
      dataset: summary?.config.data.dataset ?? '',
      text: this.text,
      step: saved.step,
      savedAt: Date.now(),
      checkpoint: saved.checkpoint,
      optimizer: saved.optimizer,
      history: { training, validation, elapsed, changes, judged },
      config: summary?.config,
    };
  }
}

/** Sizes the embedding table for the new tasks instead of the old ones. */
function unfilled(config: RunConfig): RunConfig {
  const { model, data } = config;
  if (model.variant !== 'trm' || data.dataset !== ARC.name) return config;
  return { ...config, model: { ...model, num_puzzle_identifiers: 1 } };
}

/** ARC tasks that each have their name in the text. */
function lessonsOf(tasks: string): Lessons {
  return { kind: 'tasks', name: 'tasks', text: tasks };
}

/** Loads a checkpoint. Without its training data it can still be used, but not trained. */
export async function load(
  client: SessionClient,
  checkpoint: Uint8Array,
  optimizer: Uint8Array | null,
  lessons: Lessons,
): Promise<RunSummary> {
  const command = { type: 'load', checkpoint, optimizer } as const;
  try {
    return (await client.ask({ ...command, lessons }, 'ready')).summary;
  } catch (error) {
    if (!(error instanceof SessionError) || error.failure.kind !== 'corpus') throw error;
    return (await client.ask({ ...command, lessons: null }, 'ready')).summary;
  }
}

/** Settings to continue a run that has finished. */
export interface Further {
  readonly max_iters: number;
  readonly learning_rate: number;
}

/**
 * `more` steps, at the learning rate that the run ended with: a schedule that
 * rose again would undo what was learned.
 */
export function further({ train }: RunConfig, step: number, more: number): Further {
  const { learning_rate, min_lr, lr_schedule } = train;
  const ended = lr_schedule === 'cosine' && min_lr > 0 ? min_lr : learning_rate;
  return { max_iters: step + more, learning_rate: Math.min(ended, learning_rate) };
}

/** The hint after a checkpoint was loaded. */
export function loadedHint({ step, trainable, config, vocab }: RunSummary): string {
  if (!trainable) {
    if (vocab.kind === 'arc')
      return 'Load the JSON file with its tasks to get answers or to continue training.';
    return config.model.variant === 'trm'
      ? 'Its training puzzles cannot be generated here: it solves puzzles, but its training cannot continue.'
      : 'Its characters differ from those of the loaded text. Drop its training text here to continue training.';
  }
  return step >= config.train.max_iters
    ? 'Training is finished (max_iters reached); “Continue training” adds steps.'
    : 'Training continues from here with a new optimiser state.';
}

/** The message if another text than the requested one is used. */
export function substituted({ data }: RunConfig, { config }: RunSummary): string | null {
  if (data.dataset === config.data.dataset) return null;
  return `The text “${data.dataset}” is not available, so this run trains on Shakespeare.`;
}

/** The current prompt if the model knows its characters, else the beginning of its text. */
export function readable(prompt: string, { vocab }: RunSummary, text: string | null): string {
  if (vocab.kind !== 'char' || text === null) return prompt;
  const known = new Set(vocab.chars);
  if ([...prompt].every((character) => known.has(character))) return prompt;
  return (/\S+/u.exec(text)?.[0] ?? '').slice(0, 12);
}
