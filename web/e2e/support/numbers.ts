// Stories about numbers, told once and run on either device: the browser's
// session must say what the native binary says.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from '@playwright/test';

import type { DepthLoss, RunConfig, Trace, TraceStep } from '../../src/gen';
import { trm, trmJson } from './native';
import { type Session, shakespeare } from './session';

const PROMPT = 'First Citizen:\nBefore we pro';
const DEPTHS = [1, 2, 3, 4];

/** A run directory with a tiny model after `steps` steps, trained natively. */
export function trainNatively(folder: string, steps: number): string {
  const run = join(folder, 'run');
  trm(
    'train',
    'tiny',
    '--max-iters',
    String(steps),
    '--log-interval',
    '1',
    '--eval-interval',
    String(steps),
    '--device',
    'cpu',
    '--out',
    run,
  );
  return run;
}

/** Largest difference of a cycle's readouts, as log-probabilities, over all tokens and positions. */
function difference(ours: TraceStep, native: TraceStep, vocab: number): number {
  const rows = native.logits![0]!;
  expect(ours.top![0]!.length, 'positions').toBe(rows.length);
  let largest = 0;
  rows.forEach((logits, position) => {
    const peak = Math.max(...logits);
    const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x - peak), 0)) + peak;
    const candidates = ours.top![0]![position]!;
    expect(candidates.length, 'tokens of a position').toBe(vocab);
    for (const { token, prob } of candidates) {
      largest = Math.max(largest, Math.abs(Math.log(prob) - (logits[token]! - total)));
    }
  });
  return largest;
}

/** The readouts of depths 1 to 4; a trace has one after every cycle. */
async function expectSameLogits(session: Session, file: string, vocab: number, tolerance: number) {
  const depth = DEPTHS.length;
  const { trace } = await session.handle(
    { type: 'trace', prompt: PROMPT, depth, top: vocab, attention: null },
    'traced',
  );
  const flags = ['--prompt', PROMPT, '--depth', String(depth), '--logits', '--device', 'cpu'];
  const native = trmJson<Trace>('trace', file, ...flags);
  expect(trace.tokens).toEqual(native.tokens);
  expect(trace.steps.length).toBe(depth);
  trace.steps.forEach((step, i) => {
    const largest = difference(step, native.steps[i]!, vocab);
    expect(largest, `logits at depth ${i + 1}`).toBeLessThan(tolerance);
  });
}

interface RoundTrip {
  tolerance: number;
  /** Steps trained in the browser. */
  steps: number;
  /** Whether to compare the loss over the whole validation split too. */
  validate: boolean;
}

/** Trained natively, taken up in the browser, trained on, saved, and loaded natively again. */
export async function roundTrip(
  session: Session,
  folder: string,
  { tolerance, steps, validate }: RoundTrip,
) {
  const run = trainNatively(folder, 20);
  const file = join(run, 'last.safetensors');
  const { summary } = await session.handle(
    {
      type: 'load',
      base: null,
      checkpoint: new Uint8Array(readFileSync(file)),
      optimizer: new Uint8Array(readFileSync(join(run, 'last.optim.safetensors'))),
      data: { kind: 'text', name: 'shakespeare', text: shakespeare() },
    },
    'ready',
  );
  expect(summary.step).toBe(20);
  expect(summary.trainable).toBe(true);
  const { vocab: known } = summary;
  expect(known.kind).toBe('char');
  const vocab = known.kind === 'char' ? [...known.chars].length : 0;
  await expectSameLogits(session, file, vocab, tolerance);

  const longer = { ...summary.config, train: { ...summary.config.train, max_iters: 100 } };
  await session.handle({ type: 'configure', config: longer }, 'ready');
  const { reports } = await session.handle({ type: 'step', n: steps }, 'stepped');
  expect(reports.map((report) => report.step)).toEqual(
    Array.from({ length: steps }, (_, i) => 21 + i),
  );
  const { saved } = await session.handle({ type: 'save' }, 'saved');
  expect(saved.step).toBe(20 + steps);

  const back = join(folder, 'from-the-browser.safetensors');
  writeFileSync(back, saved.checkpoint);
  await expectSameLogits(session, back, vocab, tolerance);
  if (!validate) return;
  const browser = await session.handle(
    { type: 'evaluate', depths: DEPTHS, max_tokens: 0 },
    'evaluated',
  );
  const native = trmJson<{ depths: DepthLoss[] }>(
    'eval',
    back,
    '--depths',
    '1..4',
    '--device',
    'cpu',
  );
  expect(native.depths.map((row) => row.depth)).toEqual(DEPTHS);
  native.depths.forEach((row, i) => {
    expect(
      Math.abs(row.loss - browser.depths[i]!.loss),
      `validation loss at depth ${row.depth}`,
    ).toBeLessThan(tolerance);
  });
}

interface Metric {
  step: number;
  loss?: number;
}

/** The configuration and the loss of every step of a native run. */
export function curve(run: string): { losses: number[]; config: RunConfig } {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const metrics = lines.map((line) => JSON.parse(line) as Metric);
  const losses = metrics.filter((line) => line.loss !== undefined).map((line) => line.loss!);
  const bytes = readFileSync(join(run, 'last.safetensors'));
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()) as {
    __metadata__: { config: string };
  };
  return { losses, config: JSON.parse(header.__metadata__.config) as RunConfig };
}

interface Curve {
  steps: number;
  /** Allowed difference of the losses of a step. */
  tolerance: (step: number) => number;
  /** How far the loss must fall: equal losses alone would also hold for no training at all. */
  fall: number;
}

/** The browser's losses from the same configuration, seed and batches, step by step. */
export async function expectSameCurve(
  session: Session,
  folder: string,
  { steps, tolerance, fall }: Curve,
) {
  const { losses, config } = curve(trainNatively(folder, steps));
  expect(losses.length).toBe(steps);
  const data = { kind: 'text', name: 'shakespeare', text: shakespeare() } as const;
  await session.handle({ type: 'create', config, data }, 'ready');
  const { reports } = await session.handle({ type: 'step', n: steps }, 'stepped');
  expect(reports.length).toBe(steps);
  reports.forEach((report, i) => {
    expect(Math.abs(report.loss - losses[i]!), `loss of step ${report.step}`).toBeLessThan(
      tolerance(report.step),
    );
  });
  expect(losses.at(-1)!).toBeLessThan(losses[0]! - fall);
}
