import { expect, test, vi } from 'vitest';

import { Errands } from '../src/run/task-queue';

test('errands come in the order they were given', () => {
  const errands = new Errands();
  const [a, b] = [() => Promise.resolve('a'), () => Promise.resolve('b')];
  errands.add(a);
  errands.add(b);
  expect([errands.next(), errands.next(), errands.next()]).toEqual([a, b, undefined]);
});

test('a sleep ends with an errand, with a poke, and with its time', async () => {
  vi.useFakeTimers();
  try {
    const errands = new Errands();
    const ends: string[] = [];
    const sleep = async (name: string, ms?: number) => {
      await errands.sleep(ms);
      ends.push(name);
    };

    const first = sleep('errand');
    errands.add(() => Promise.resolve());
    await first;
    const second = sleep('poke', 1000);
    errands.poke();
    await second;
    expect(vi.getTimerCount()).toBe(0);
    const third = sleep('time', 1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(ends).toEqual(['errand', 'poke']);
    await vi.advanceTimersByTimeAsync(1);
    await third;
    expect(ends).toEqual(['errand', 'poke', 'time']);
  } finally {
    vi.useRealTimers();
  }
});
