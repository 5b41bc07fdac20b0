import { beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import {
  type Command,
  type Event,
  type ImageSplit,
  type RunConfig,
  type RunSummary,
  tokensPerStep,
} from '../src/gen';
import { Classifier } from '../src/rooms/images/classifier.svelte';
import { StageInput } from '../src/rooms/images/input.svelte';
import { Measuring } from '../src/rooms/images/measuring.svelte';
import { readImages } from '../src/rooms/images/url';
import { Machine } from '../src/run/machine.svelte';
import { preset } from '../src/run/presets';
import { Answering } from './support/session';

/** The preset, with steps and an interval of its own. */
function digits(): RunConfig {
  const config = preset('digits');
  if (!config || !('inner_steps' in config.model)) throw new Error('the preset is missing');
  const model = { ...config.model, inner_steps: 6, outer_steps: 4 };
  return { ...config, model, train: { ...config.train, max_iters: 1000, eval_interval: 100 } };
}

const SUMMARY: RunSummary = {
  config: digits(),
  vocab: { kind: 'classes', names: [...'0123456789'] },
  parameters: 10,
  step: 0,
  trainable: true,
  train_tokens: 100,
  val_tokens: 100,
  chance_loss: Math.log(10),
  training_flops_per_token: 1e6,
  family: 'images',
  tokens_per_step: tokensPerStep(digits()),
};

const COUNTS: Record<ImageSplit, number> = { train: 50, val: 20, test: 40 };

/** A session that is always sure of class 3, and remembers what it was asked. */
class Session extends Answering {
  readonly asked: Command[] = [];
  step = 0;

  of<T extends Command['type']>(type: T): Extract<Command, { type: T }>[] {
    const is = (command: Command): command is Extract<Command, { type: T }> =>
      command.type === type;
    return this.asked.filter(is);
  }

  protected answer(command: Command): Event {
    this.asked.push(command);
    switch (command.type) {
      case 'classify': {
        const { input, outer_steps } = command;
        if (input.kind === 'stored' && input.index >= COUNTS[input.split]) return refused();
        const steps = Array.from({ length: outer_steps || 4 }, (_, i) => ({
          ...{ step: i + 1, argmax: 3, logits: [], moved: [], attention: [] },
          prob: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        }));
        const image = { size: 8, channels: 1, pixels: new Uint8Array(64), label: 3 };
        return { type: 'classified', step: this.step, classification: { image, steps } };
      }
      case 'show_images': {
        const { split, indexes } = command;
        if (indexes.some((index) => index >= COUNTS[split])) return refused();
        const image = { size: 8, channels: 1, pixels: new Uint8Array(64), label: 5 };
        return { type: 'images', images: indexes.map(() => image) };
      }
      case 'evaluate_images': {
        const { split, images, outer_steps } = command;
        const row = (step: number) => ({ step, loss: 1, top1: 0.5, top5: 1 });
        const steps = Array.from({ length: outer_steps || 4 }, (_, i) => row(i + 1));
        const mistakes = [
          { index: 2, label: 5, predicted: 3 },
          { index: 8, label: 5, predicted: 3 },
        ];
        const scores = { split, images: images || COUNTS[split], steps, mistakes };
        return { type: 'images_evaluated', step: this.step, scores: { ...scores, confusion: [] } };
      }
      case 'step':
        this.step += command.n;
        return {
          type: 'stepped',
          reports: [{ step: this.step, loss: 1, learning_rate: 0.1, depth: 4 }],
        };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

function refused(): Event {
  const failure = { kind: 'image', message: 'there is no such image', hint: 'Choose another.' };
  return { type: 'failed', failure: { ...failure, kind: 'image' } };
}

/** A run before its model has come. */
function opening(search = '') {
  const session = new Session();
  const address = readImages(search);
  const client = () => new SessionClient(session);
  const machine = new Machine(client, { device: 'cpu', software: false }, 'images');
  const changed = vi.fn<() => void>();
  const input = new StageInput(address.image, changed);
  const run = new Classifier(machine, address, input);
  changed.mockImplementation(() => run.hurry(false));
  return { session, run, input };
}

function opened(search = '', summary = SUMMARY) {
  const made = opening(search);
  made.run.begin(summary, null, null, false);
  return made;
}

/** Does what can be done now. */
async function settle(run: Classifier): Promise<void> {
  while (await run.respond(0));
}

beforeEach(() => {
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
});

describe('the image on the stage', () => {
  test('is the first test image, classified as the model was trained', async () => {
    const { session, run } = opened();
    await settle(run);
    expect(session.of('classify')).toEqual([
      {
        type: 'classify',
        input: { kind: 'stored', split: 'test', index: 0 },
        inner_steps: 6,
        outer_steps: 4,
      },
    ]);
    expect(run.answered).toBe(4);
    expect(run.shown).toBe(4);
  });

  test('is classified once for all that changed while the model was busy', async () => {
    const { session, run, input } = opened();
    await settle(run);
    const busy = run.respond(0);
    input.begin();
    for (let x = 4; x < 28; x += 1) input.line({ x, y: 16 }, { x: x + 1, y: 16 });
    await busy;
    await settle(run);
    const drawn = session.of('classify').slice(1);
    expect(drawn).toHaveLength(1);
    expect(drawn[0]?.input).toMatchObject({ kind: 'drawing' });
    // One more while a request is on its way: the next one is of the last image.
    input.choose('test', 5);
    const first = run.respond(0);
    input.choose('test', 6);
    input.choose('test', 7);
    await first;
    await settle(run);
    const indexes = session
      .of('classify')
      .map(({ input }) => input.kind === 'stored' && input.index);
    expect(indexes.slice(2)).toEqual([5, 7]);
  });

  test('is not there before something is drawn, or after it is cleared', async () => {
    const { session, run, input } = opened('', { ...SUMMARY, trainable: false });
    await settle(run);
    expect(session.asked).toEqual([]);
    expect(input.kind).toBe('drawing');
    input.begin();
    input.line({ x: 5, y: 5 }, { x: 9, y: 9 });
    await settle(run);
    expect(run.answered).toBe(4);
    input.clear();
    await settle(run);
    expect(run.classified).toBeNull();
    input.undo();
    await settle(run);
    expect(run.answered).toBe(4);
    input.undo();
    expect(input.undoable).toBe(false);
  });

  test('that the model refuses is told, and asked for once', async () => {
    const { session, run, input } = opened('?image=99');
    await settle(run);
    expect(run.classified).toBeNull();
    expect(input.problem).toBe('There is no such image. Choose another.');
    expect(session.of('classify')).toHaveLength(1);
    input.choose('test', 0);
    await settle(run);
    expect(input.problem).toBeNull();
    expect(run.answered).toBe(4);
  });

  test('is classified with the steps that are asked for', async () => {
    const { session, run } = opened('?inner=2&outer=9&at=3');
    await settle(run);
    expect(session.of('classify')[0]).toMatchObject({ inner_steps: 2, outer_steps: 9 });
    expect(run.shown).toBe(3);
    run.look.outer = 2;
    run.hurry(false);
    await settle(run);
    expect(run.shown).toBe(2);
  });

  test('is not replaced by a blank drawing when drawings are to be centred', async () => {
    const { session, run, input } = opened('?image=3');
    await settle(run);
    input.fitTo(false);
    await settle(run);
    expect([input.kind, input.fit]).toEqual(['stored', false]);
    expect(session.of('classify')).toHaveLength(1);
    // A drawing is classified again.
    input.line({ x: 5, y: 5 }, { x: 9, y: 9 });
    await settle(run);
    input.fitTo(true);
    await settle(run);
    expect(session.of('classify')).toHaveLength(3);
  });

  test('goes round at the ends of its split', async () => {
    const { run, input } = opened();
    await settle(run);
    expect(input.count).toBeNull();
    await run.idle();
    await run.idle();
    expect(input.counts).toEqual({ test: COUNTS.test, val: COUNTS.val });
    expect(await run.idle()).toBe(false);
    input.choose('test', -1);
    expect(input.index).toBe(COUNTS.test - 1);
    input.choose('test', COUNTS.test);
    expect(input.index).toBe(0);
  });
});

describe('the number of images', () => {
  test('is found while a model is being trained', async () => {
    const { run, input } = opened();
    run.train();
    for (let turns = 0; turns < 8; turns += 1) await run.respond(0);
    expect(input.counts).toEqual({ test: COUNTS.test, val: COUNTS.val });
    expect(await run.idle()).toBe(false);
  });

  test('is that of the split on the stage first, also of the training images', async () => {
    const { run, input } = opened('?split=train&image=2');
    await run.idle();
    expect(input.count).toBe(COUNTS.train);
  });

  test('stays with another run on the same data, and with no other', async () => {
    const { session, run, input } = opened();
    while (await run.idle());
    const asked = session.asked.length;
    run.begin({ ...SUMMARY, step: 9 }, null, null, false);
    expect(input.counts).toEqual({ test: COUNTS.test, val: COUNTS.val });
    expect(await run.idle()).toBe(false);
    expect(session.asked).toHaveLength(asked);
    run.begin({ ...SUMMARY, train_tokens: 7 }, null, null, false);
    expect(input.counts).toEqual({});
    run.begin({ ...SUMMARY, trainable: false }, null, null, false);
    expect(await run.idle()).toBe(false);
  });
});

describe('training', () => {
  test('scores some validation images before it begins and at each interval', async () => {
    const { session, run } = opened();
    await settle(run);
    run.train();
    await settle(run);
    expect(run.state.scored.map(({ step }) => step)).toEqual([0]);
    session.step = 98;
    await run.step();
    await settle(run);
    expect(run.state.scored).toHaveLength(1);
    await run.step();
    await settle(run);
    expect(run.state.scored.map(({ step }) => step)).toEqual([0, session.step]);
    const [first] = session.of('evaluate_images');
    expect(first).toMatchObject({ split: 'val', inner_steps: 0, outer_steps: 0 });
    expect(first?.images).toBeGreaterThan(0);
  });

  test('and the answer take turns', async () => {
    const { run, input } = opened();
    await settle(run);
    run.train();
    await settle(run);
    input.choose('test', 1);
    expect(await run.respond(0)).toBe(true);
    input.choose('test', 2);
    // A step comes first.
    expect(await run.respond(0)).toBe(false);
    expect(await run.respond(0)).toBe(true);
  });

  test('of an opened model has no score before its first step', async () => {
    const { session, run } = opened();
    run.begin(SUMMARY, null, null, true);
    run.train();
    await settle(run);
    expect(session.of('evaluate_images')).toEqual([]);
  });
});

describe('measuring', () => {
  const depth = { inner: 6, outer: 4 };

  test('asks for nothing where the images of the model are not here', async () => {
    const { session, run } = opened('', { ...SUMMARY, trainable: false });
    run.measure();
    await settle(run);
    expect([run.measuring.busy, session.asked]).toEqual([false, []]);
  });

  async function all(measuring: Measuring, client: SessionClient, recursive = true) {
    while (await measuring.next(client, depth, recursive));
  }

  test('asks for the steps of now, then for twice as many', async () => {
    const session = new Session();
    const measuring = new Measuring();
    const client = new SessionClient(session);
    measuring.ask();
    expect(measuring.busy).toBe(true);
    await all(measuring, client);
    expect(session.of('evaluate_images').map((each) => each.outer_steps)).toEqual([4, 8]);
    expect(measuring.busy).toBe(false);
    expect(measuring.measured?.scores.steps).toHaveLength(4);
    expect(measuring.measured?.beyond).toHaveLength(8);
  });

  test('that is asked for while the model loads is made once it has come', async () => {
    for (const trainable of [true, false]) {
      const { session, run } = opening();
      run.measure();
      expect(run.measuring.busy).toBe(true);
      run.begin({ ...SUMMARY, trainable }, null, null, false);
      expect(run.measuring.busy).toBe(trainable);
      await settle(run);
      expect(session.of('evaluate_images')).toHaveLength(trainable ? 2 : 0);
      // The next model was not asked for it.
      run.begin(SUMMARY, null, null, false);
      expect(run.measuring.busy).toBe(false);
    }
  });

  test('asks once where there is no recursion', async () => {
    const session = new Session();
    const measuring = new Measuring();
    measuring.ask();
    await all(measuring, new SessionClient(session), false);
    expect(session.of('evaluate_images')).toHaveLength(1);
    expect(measuring.busy).toBe(false);
    expect(measuring.measured?.beyond).toBeNull();
  });

  test('drops what belongs to a model that has trained on', async () => {
    const session = new Session();
    const measuring = new Measuring();
    const client = new SessionClient(session);
    measuring.ask();
    await measuring.next(client, depth, true);
    session.step += 1;
    await all(measuring, client);
    expect(measuring.measured).toMatchObject({ step: 0, beyond: null });
  });

  test('shows the images of a confusion, and hides them again', async () => {
    const session = new Session();
    const measuring = new Measuring();
    const client = new SessionClient(session);
    measuring.ask();
    await all(measuring, client);
    measuring.choose({ label: 5, predicted: 3 });
    await all(measuring, client);
    expect(measuring.wrong.map(({ index }) => index)).toEqual([2, 8]);
    measuring.choose({ label: 5, predicted: 3 });
    expect(measuring.pair).toBeNull();
    expect(measuring.wrong).toEqual([]);
    measuring.turn('val');
    expect(measuring.measured).toBeNull();
  });
});
