import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, type RunSummary, type StepReport, tokensPerStep } from '../src/gen';
import {
  configOf,
  costs,
  DEFAULT_COMPARISON,
  encode,
  free,
  obstacle,
  readComparison,
  readFree,
  rebased,
  withOverride,
} from '../src/rooms/language/comparison-plan';
import {
  along,
  began,
  type SideState,
  stepped,
  validated,
  verdict,
} from '../src/rooms/language/comparison-side';
import { depthOf, lengthOf } from '../src/gen';

const read = (search: string) => {
  const problems: string[] = [];
  const plan = readComparison(new URLSearchParams(search), problems);
  return { plan, problems };
};

describe('a comparison in the address', () => {
  test('is none where nothing is said of it', () => {
    expect(read('?preset=tiny')).toEqual({ plan: null, problems: [] });
  });

  test('can be written by hand', () => {
    const { plan, problems } = read(
      '?duel=tiny&duel_steps=50&a=n_layers:3&b=dropout:0.1,cycle_weights:1',
    );
    expect(problems).toEqual([]);
    expect(plan).toEqual({
      base: 'tiny',
      steps: 50,
      a: { n_layers: 3 },
      b: { dropout: 0.1, cycle_weights: [1] },
    });
    // A comma within a value is escaped once more: a plain one parts two settings.
    expect(read('?duel=tiny&a=cycle_weights:1%252C2').plan?.a).toEqual({ cycle_weights: [1, 2] });
  });

  test('names what cannot be, and uses the rest', () => {
    const { plan, problems } = read(
      '?duel=nope&duel_steps=0&a=width:3,n_layers:many&b=max_iters:3',
    );
    expect(problems).toEqual([
      'There is no preset “nope”.',
      '“0” is not a valid number of steps for the A/B comparison.',
      'A: There is no setting “width”.',
      'A: “many” is not a valid value for n_layers.',
      'B: max_iters applies to both sides and cannot be set for one of them.',
    ]);
    expect(plan).toEqual({ ...DEFAULT_COMPARISON, a: {}, b: {} });
  });

  test('refuses settings that the model of its base does not have', () => {
    const { plan, problems } = read('?duel=tiny&a=chunk_size:4,n_layers:3&b=inner_steps:2');
    expect(problems).toEqual([
      'A: The model of “tiny” has no setting chunk_size.',
      'B: The model of “tiny” has no setting inner_steps.',
    ]);
    expect(plan).toMatchObject({ a: { n_layers: 3 }, b: {} });
    expect(read('?duel=page-chunk&a=chunk_size:2').problems).toEqual([]);
  });

  test('names its settings as they are called', () => {
    expect(encode(DEFAULT_COMPARISON.a)).toBe('n_layers:4,recursion_steps:1');
  });
});

describe('a plan', () => {
  test('makes a configuration of the preset, the side and the steps', () => {
    const config = configOf(DEFAULT_COMPARISON, 'a');
    expect([config.model.n_layers, depthOf(config.model)]).toEqual([4, 1]);
    expect(config.train.max_iters).toBe(DEFAULT_COMPARISON.steps);
  });

  test('forgets what equals its preset', () => {
    const { n_layers } = configOf(DEFAULT_COMPARISON, 'b').model;
    expect(withOverride(DEFAULT_COMPARISON, 'a', 'n_layers', n_layers).a).toEqual({
      recursion_steps: 1,
    });
    expect(rebased({ ...DEFAULT_COMPARISON, a: { hidden_size: 32 } }, 'tiny').a).toEqual({});
    // And what the model of another one does not have.
    const chunks = {
      ...DEFAULT_COMPARISON,
      base: 'page-chunk',
      a: { chunk_size: 2, dropout: 0.1 },
    };
    expect(rebased(chunks, 'tiny').a).toEqual({ dropout: 0.1 });
  });

  test('is refused where the batches would differ, and says in what', () => {
    expect(obstacle(DEFAULT_COMPARISON)).toBeNull();
    expect(obstacle(withOverride(DEFAULT_COMPARISON, 'a', 'learning_rate', 1))).toBeNull();
    const unlike = withOverride(DEFAULT_COMPARISON, 'b', 'batch_size', 3);
    expect(obstacle(unlike)).toContain('batch_size is 8 in A and 3 in B');
    for (const key of ['seed', 'block_size', 'gradient_accumulation_steps']) {
      expect(obstacle(withOverride(DEFAULT_COMPARISON, 'a', key, 2))).toContain(key);
    }
    expect(obstacle(withOverride(unlike, 'a', 'batch_size', 3))).toBeNull();
  });

  test('says what a token costs', () => {
    expect(costs(DEFAULT_COMPARISON)).toContain('Both use 4 block evaluations per token');
    const deeper = withOverride(DEFAULT_COMPARISON, 'b', 'recursion_steps', 4);
    expect(costs(deeper)).toContain('A uses 4 and B 8 block evaluations per token');
    const chunks = { ...DEFAULT_COMPARISON, base: 'page-chunk' };
    expect(costs(chunks)).toContain('A uses 20 and B 18 block evaluations per token');
  });
});

describe('the line for other settings', () => {
  test('is read back from how it is shown', () => {
    const typed = { dropout: 0.1, cycle_weights: [0.5, 1], n_layers: 3 };
    expect(free(typed, ['n_layers'])).toBe('dropout=0.1 cycle_weights=0.5,1');
    expect(readFree(free(typed, []), 'tiny').overrides).toEqual(typed);
  });

  test('refuses what is none, or of another model', () => {
    expect(readFree('chunk_size=4', 'page-chunk').problems).toEqual([]);
    expect(readFree('chunk_size=4', 'tiny').problems).toEqual([
      'The model of “tiny” has no setting chunk_size.',
    ]);
    expect(readFree('dropuot=1', 'tiny').problems).toEqual(['There is no setting “dropuot”.']);
    expect(readFree('dropout', 'tiny').problems).toEqual(['“” is not a valid value for dropout.']);
    expect(readFree('dataset=mine', 'tiny').problems).toEqual([
      'dataset applies to both sides and cannot be set for one of them.',
    ]);
  });
});

const SUMMARY: RunSummary = {
  config: DEFAULT_CONFIG,
  vocab: { kind: 'char', chars: 'ab' },
  parameters: 10,
  step: 0,
  trainable: true,
  train_tokens: 100,
  val_tokens: 10,
  chance_loss: Math.log(2),
  training_flops_per_token: 1000,
  family: 'language',
  tokens_per_step: tokensPerStep(DEFAULT_CONFIG),
};

/** A side that was validated at these steps, each of which took `ms`. */
function side(losses: readonly (readonly [number, number])[], ms: number, flops = 1000): SideState {
  const summary = { ...SUMMARY, training_flops_per_token: flops };
  return losses.reduce((standing, [step, loss]) => {
    const reports: StepReport[] = Array.from({ length: step - standing.step }, (_, i) => ({
      step: standing.step + i + 1,
      loss,
      learning_rate: 1,
      depth: 1,
    }));
    return validated(stepped(standing, reports, ms * reports.length), loss);
  }, began(summary));
}

describe('a side', () => {
  test('knows the time of each step', () => {
    const standing = side(
      [
        [0, 3],
        [4, 2],
      ],
      10,
    );
    expect(standing.training.map((p) => p.ms)).toEqual([10, 20, 30, 40]);
    expect(standing.validation.map((p) => p.ms)).toEqual([0, 40]);
    expect([standing.step, standing.elapsed]).toEqual([4, 40]);
  });

  test('counts the operations of whole batches', () => {
    const { train, model } = DEFAULT_CONFIG;
    const at = along(side([[0, 3]], 1), 'compute');
    expect(at({ step: 2, loss: 0, ms: 0 })).toBe(2 * 1000 * train.batch_size * lengthOf(model));
  });
});

describe('the verdict', () => {
  const a = side(
    [
      [0, 3],
      [100, 2],
    ],
    10,
  );

  test('waits for a validation of both', () => {
    expect(verdict(a, side([[0, 3]], 10), 'steps')).toBeNull();
  });

  test('compares at equal steps, at equal compute and at equal time', () => {
    // Twice the operations and twice the time for a step.
    const b = side(
      [
        [0, 3],
        [50, 2.4],
        [100, 1.9],
      ],
      20,
      2000,
    );
    expect(verdict(a, b, 'steps')).toMatch(
      /^After 100 steps each, B is better by 0.100 \(.*one seed each/,
    );
    expect(verdict(a, b, 'compute')).toMatch(/^At equal compute, A is better by 0.400/);
    expect(verdict(a, b, 'time')).toMatch(/^After 1 s each, A is better by 0.400/);
    expect(verdict(a, b, 'steps')).toContain('one seed');
  });

  test('claims nothing of what is alike', () => {
    expect(verdict(a, a, 'steps')).toContain('A and B are equal');
    const near = side(
      [
        [0, 3],
        [100, 2.004],
      ],
      10,
    );
    expect(verdict(a, near, 'steps')).toContain(
      'A is better by 0.004 (2.000 against 2.004; within noise for one seed)',
    );
  });

  test('of a side against itself is none at any axis', () => {
    const losses = fc.array(fc.double({ min: 0.1, max: 5, noNaN: true }), { minLength: 2 });
    fc.assert(
      fc.property(losses, fc.constantFrom('steps', 'compute', 'time'), (values, measure) => {
        const standing = side(
          values.map((loss, i) => [i * 10, loss] as const),
          7,
        );
        expect(verdict(standing, standing, measure)).toContain('A and B are equal');
      }),
    );
  });
});
