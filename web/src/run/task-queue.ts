// A queue of tasks, with a sleep that ends when a task arrives.

export type Task = () => Promise<unknown>;

export class TaskQueue {
  #waiting: Task[] = [];
  #wake: () => void = () => undefined;

  add(task: Task): void {
    this.#waiting.push(task);
    this.poke();
  }

  next(): Task | undefined {
    return this.#waiting.shift();
  }

  /** Ends a sleep, because there is something to do that is no task of the queue. */
  poke(): void {
    this.#wake();
  }

  /** Until there is something to do, or `ms` have passed. */
  async sleep(ms?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
