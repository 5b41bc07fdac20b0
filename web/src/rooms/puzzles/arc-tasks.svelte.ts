// The loaded ARC tasks and the selected one. Invalid files do not replace them.

import type { SessionClient } from '../../client/client';
import type { ArcPair, ArcTask } from '../../gen';
import { distinct, type Grid, stemOf, tasksText } from './arc';
import { SAMPLE, SAMPLE_TEXT } from './arc-sample';

export class Tasks {
  all = $state.raw<readonly ArcTask[]>(SAMPLE);
  /** All of them as one file, as a run learns from it. */
  text = $state.raw(SAMPLE_TEXT);

  /** The requested task; an address may name a task that is not loaded. */
  #chosen = $state<string | null>(null);
  #test = $state(0);
  /** The training tasks of a resumed run, until they are parsed. */
  #wanted: string | null = null;

  constructor(task: string | null, test: number) {
    this.#chosen = task;
    this.#test = test;
  }

  get task(): ArcTask | null {
    return this.all.find(({ name }) => name === this.#chosen) ?? this.all[0] ?? null;
  }

  /** The selected test, from 0. */
  get test(): number {
    return Math.max(0, Math.min(this.#test, (this.task?.test.length ?? 1) - 1));
  }

  /** The selected test; a task may have none. */
  get pair(): ArcPair | null {
    return this.task?.test[this.test] ?? null;
  }

  /** The right answer to the test, where it is known. */
  get truth(): Grid | null {
    return this.pair?.output ?? null;
  }

  /** Whether these are the tasks that come with the page. */
  get sampled(): boolean {
    return this.text === SAMPLE_TEXT;
  }

  get pending(): boolean {
    return this.#wanted !== null;
  }

  choose(name: string): void {
    this.#chosen = name;
    this.#test = 0;
  }

  chooseTest(test: number): void {
    this.#test = test;
  }

  sample(): void {
    this.#take(SAMPLE);
  }

  /** Parses a file in the worker; `name` is the name of its task, if it has only one. */
  async read(client: SessionClient, name: string, text: string): Promise<void> {
    const command = { type: 'read_tasks', name: stemOf(name), text } as const;
    const { tasks } = await client.ask(command, 'tasks');
    this.#wanted = null;
    this.#take(distinct(tasks));
  }

  /** The training tasks of a run. */
  turn(text: string): void {
    if (text !== this.text) this.#wanted = text;
  }

  async settle(client: SessionClient): Promise<void> {
    const text = this.#wanted;
    if (text === null) return;
    await this.read(client, 'tasks', text).finally(() => (this.#wanted = null));
  }

  #take(tasks: readonly ArcTask[]): void {
    this.all = tasks;
    this.text = tasksText(tasks);
  }
}
