import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { marks, PAST, pastLine, runLines } from '../src/ui/draw/lines';
import { DEFAULT_CONFIG, type DepthLoss } from '../src/gen';
import {
  added,
  type Arrival,
  differences,
  dropped,
  lastLoss,
  MOST_LISTED,
  MOST_SHOWN,
  type PastRun,
  toggled,
} from '../src/run/past-runs.svelte';

const at = (depth: number, loss: number): DepthLoss => ({
  depth,
  loss,
  perplexity: Math.exp(loss),
  bits_per_char: loss / Math.log(2),
  bits_per_byte: loss / Math.log(2),
  word_perplexity: Math.exp(loss),
});

function arrival(id: string, validations = 2): Arrival {
  const validation = Array.from({ length: validations }, (_, i) => ({
    step: i * 100,
    depths: [at(1, 3 - i), at(2, 2.5 - i)],
  }));
  const training = [
    { step: 1, loss: 4 },
    { step: 2, loss: 2 },
  ];
  const history = { training, validation, elapsed: 0 };
  return { id, name: id, step: 100, history, config: DEFAULT_CONFIG };
}

const shown = (runs: readonly PastRun[]) => runs.filter((run) => run.shown).map((run) => run.id);

describe('past runs', () => {
  test('make room for one another', () => {
    const runs = ['a', 'b', 'c', 'd', 'e'].reduce<readonly PastRun[]>(
      (r, id) => added(r, arrival(id)),
      [],
    );
    expect(runs).toHaveLength(5);
    expect(shown(runs)).toEqual(['b', 'c', 'd', 'e']);
    expect(shown(toggled(runs, 'a'))).toEqual(['a', 'c', 'd', 'e']);
    expect(shown(toggled(runs, 'd'))).toEqual(['b', 'c', 'e']);
    expect(shown(dropped(runs, 'c'))).toEqual(['b', 'd', 'e']);
  });

  test('are never too many, never twice there, and can be told apart', () => {
    const step = fc.tuple(
      fc.constantFrom('add', 'toggle', 'drop'),
      fc.integer({ min: 0, max: 11 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let runs: readonly PastRun[] = [];
        for (const [what, n] of steps) {
          const id = `run-${n}`;
          if (what === 'add') runs = added(runs, arrival(id));
          else runs = what === 'toggle' ? toggled(runs, id) : dropped(runs, id);
          expect(runs.length).toBeLessThanOrEqual(MOST_LISTED);
          expect(new Set(runs.map((run) => run.id)).size).toBe(runs.length);
          const drawn = runs.filter((run) => run.shown);
          expect(drawn.length).toBeLessThanOrEqual(MOST_SHOWN);
          expect(new Set(drawn.map((run) => run.style)).size).toBe(drawn.length);
        }
      }),
    );
    expect(PAST).toHaveLength(MOST_SHOWN);
  });

  test('say in what they differ, with their own values', () => {
    const { model, train } = DEFAULT_CONFIG;
    const other = {
      ...DEFAULT_CONFIG,
      model: { ...model, n_layers: 4 },
      train: { ...train, learning_rate: 0.5, log_interval: 3 },
    };
    expect(differences(other, DEFAULT_CONFIG)).toBe('n_layers 4, learning_rate 0.5');
    expect(differences(DEFAULT_CONFIG, DEFAULT_CONFIG)).toBe('same settings');
    expect(differences(null, DEFAULT_CONFIG)).toBe('settings not saved');
  });

  test('are drawn at the depth they were trained at, or by their batches', () => {
    const [run] = added([], arrival('a'));
    expect(run && pastLine(run).spots).toEqual([
      { x: 0, loss: 2.5 },
      { x: 100, loss: 1.5 },
    ]);
    expect(run && lastLoss(run)).toBe(1.5);
    const [young] = added([], arrival('b', 1));
    const [first, second] = young ? pastLine(young).spots : [];
    expect(first).toEqual({ x: 1, loss: 4 });
    // Smoothed: a batch moves it only a little.
    expect(second?.loss).toBeCloseTo(3.9);
  });
});

describe('marks', () => {
  const change = (step: number) => ({ step, key: 'k', from: '1', to: '2' });

  test('that lie together are one, and those before the chart are none', () => {
    const changes = [5, 50, 52, 90].map(change);
    const found = marks(changes, (step) => step, 10);
    expect(found.map((mark) => mark.changes.map((c) => c.step))).toEqual([[50, 52], [90]]);
  });
});

test('the values of a line are named after its run', () => {
  const [run] = added([], arrival('Tiny, 100 steps'));
  expect(run && pastLine(run).name).toBe('Tiny, 100 steps');
  const current = runLines(arrival('now').history);
  expect(current.map(({ name, label }) => name ?? label)).toEqual([
    ...['training', 'depth 1', 'depth 2'],
  ]);
});
