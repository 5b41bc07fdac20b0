// A queue of tasks, with a sleep that ends when a task arrives.

export type Task = () => Promise<unknown>;

export class TaskQueue {
  #waiting: Task[] = [];
  #wake: () => void = () => undefined;
  /** Whether there was a poke since the last sleep: it may have come before the sleep it was for. */
  #poked = false;

  add(task: Task): void {
    this.#waiting.push(task);
    this.poke();
  }

  next(): Task | undefined {
    return this.#waiting.shift();
  }

  /** Ends a sleep, because there is something to do that is no task of the queue. */
  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  /** Until there is something to do, or `ms` have passed. */
  async sleep(ms?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#poked || this.#waiting.length > 0) resolve();
      else if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#poked = false;
  }
}
