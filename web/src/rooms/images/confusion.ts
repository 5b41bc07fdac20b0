// Which classes are taken for which: the cells of a confusion matrix.

import type { Mistake } from '../../gen';

/** More classes are listed by pairs: their matrix could not be read. */
const MOST_CLASSES = 16;
const MOST_PAIRS = 20;

/** A class and what it was taken for. */
export interface Pair {
  readonly label: number;
  readonly predicted: number;
}

export interface ConfusionCell extends Pair {
  readonly count: number;
  readonly right: boolean;
  /** Of all images of the class, from 0 to 1. */
  readonly share: number;
}

/** A class with the share of its images that are right. */
export interface ConfusionRow {
  readonly label: number;
  readonly images: number;
  readonly accuracy: number;
  readonly cells: readonly ConfusionCell[];
}

export function rowsOf(confusion: readonly (readonly number[])[]): ConfusionRow[] {
  return confusion.map((counts, label) => {
    const images = counts.reduce((sum, count) => sum + count, 0);
    const share = (count: number) => (images === 0 ? 0 : count / images);
    return {
      ...{ label, images, accuracy: share(counts[label] ?? 0) },
      cells: counts.map((count, predicted) => ({
        ...{ label, predicted, count },
        right: predicted === label,
        share: share(count),
      })),
    };
  });
}

/** Whether the matrix is shown as a table. */
export function fitsTable(confusion: readonly unknown[]): boolean {
  return confusion.length <= MOST_CLASSES;
}

/** The most frequent confusions. */
export function pairsOf(confusion: readonly (readonly number[])[]): ConfusionCell[] {
  return rowsOf(confusion)
    .flatMap(({ cells }) => cells.filter(({ right, count }) => !right && count > 0))
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_PAIRS);
}

/** The numbers of the images of a cell. */
export function imagesOf(mistakes: readonly Mistake[], { label, predicted }: Pair): number[] {
  return mistakes
    .filter((each) => each.label === label && each.predicted === predicted)
    .map(({ index }) => index);
}

export function samePair(a: Pair | null, b: Pair | null): boolean {
  return a?.label === b?.label && a?.predicted === b?.predicted;
}
