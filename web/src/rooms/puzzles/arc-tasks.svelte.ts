// The ARC tasks at hand and the one that is looked at. What is no task does not take
// the place of those that are.

import type { SessionClient } from '../../client/client';
import type { ArcTask } from '../../gen';
import { type Grid, stemOf, tasksText } from './arc';
import { SAMPLE, SAMPLE_TEXT } from './arc-sample';

export class Tasks {
  all = $state.raw<readonly ArcTask[]>(SAMPLE);
  /** All of them as one file, as a run learns from it. */
  text = $state.raw(SAMPLE_TEXT);

  /** As it was asked for; an address may name a task that is not at hand. */
  #chosen = $state<string | null>(null);
  #test = $state(0);
  /** What a run that is taken up learned from, until it is read. */
  #wanted: string | null = null;

  constructor(task: string | null, test: number) {
    this.#chosen = task;
    this.#test = test;
  }

  get task(): ArcTask | null {
    return this.all.find(({ name }) => name === this.#chosen) ?? this.all[0] ?? null;
  }

  /** The test that is looked at, from 0. */
  get test(): number {
    return Math.max(0, Math.min(this.#test, (this.task?.test.length ?? 1) - 1));
  }

  /** The right answer to the test, where it is known. */
  get truth(): Grid | null {
    return this.task?.test[this.test]?.output ?? null;
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

  /** Has the trainer read a file; `name` is that of its task, if it has one only. */
  async read(client: SessionClient, name: string, text: string): Promise<void> {
    const command = { type: 'read_tasks', name: stemOf(name), text } as const;
    const { tasks } = await client.ask(command, 'tasks');
    this.#wanted = null;
    this.#take(tasks);
  }

  /** Tasks that a run has learned from. */
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
