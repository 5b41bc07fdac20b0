import { expect, test, vi } from 'vitest';

import { TaskQueue } from '../src/run/task-queue';

test('tasks come in the order they were given', () => {
  const queue = new TaskQueue();
  const [a, b] = [() => Promise.resolve('a'), () => Promise.resolve('b')];
  queue.add(a);
  queue.add(b);
  expect([queue.next(), queue.next(), queue.next()]).toEqual([a, b, undefined]);
});

test('a sleep ends with a task, with a poke, and with its time', async () => {
  vi.useFakeTimers();
  try {
    const queue = new TaskQueue();
    const ends: string[] = [];
    const sleep = async (name: string, ms?: number) => {
      await queue.sleep(ms);
      ends.push(name);
    };

    const first = sleep('task');
    queue.add(() => Promise.resolve());
    await first;
    queue.next();
    const second = sleep('poke', 1000);
    queue.poke();
    await second;
    expect(vi.getTimerCount()).toBe(0);
    const third = sleep('time', 1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(ends).toEqual(['task', 'poke']);
    await vi.advanceTimersByTimeAsync(1);
    await third;
    expect(ends).toEqual(['task', 'poke', 'time']);
  } finally {
    vi.useRealTimers();
  }
});

test('what came just before a sleep ends it', async () => {
  const queue = new TaskQueue();
  queue.poke();
  await queue.sleep();
  queue.add(() => Promise.resolve());
  queue.add(() => Promise.resolve());
  await queue.sleep();
  // One of them still waits.
  queue.next();
  await queue.sleep();
});
