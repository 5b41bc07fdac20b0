// What more passes add, in a sentence.

import type { DepthLoss } from '../../gen';
import { many } from '../../run/format';

type Loss = Pick<DepthLoss, 'depth' | 'loss'>;

/** Differences of the loss, in nats, that nobody sees in a text, and that everybody does. */
const LITTLE = 0.01;
const MUCH = 0.05;

/** `trained`: the depth that the model was trained at, if it is known. */
export function depthAdvice(losses: readonly Loss[], trained: number | null): string {
  const best = losses.reduce<Loss | null>((a, b) => (a && a.loss <= b.loss ? a : b), null);
  const deepest = losses.at(-1);
  if (!best || !deepest || losses.length < 2) return '';
  const passes = (n: number) => many(n, 'pass', 'passes');
  if (deepest.loss - best.loss > MUCH) {
    const more = best.depth === trained ? ', the trained depth; more passes' : '; more';
    return `Best at ${passes(best.depth)}${more} make this model worse.`;
  }
  const enough = losses.find(({ loss }) => loss - best.loss <= LITTLE) ?? best;
  if (enough.depth >= deepest.depth) return '';
  return `Beyond ${passes(enough.depth)}, more passes hardly lower the loss of this model.`;
}
