// The sizes of an image model that the page needs.

import { depthOf, type VariantSpec } from '../../gen';

export interface Shape {
  /** Height and width of an image, in pixels. */
  readonly size: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: number;
  /** Inner steps, N, of the trained model; `null` without recursion. */
  readonly inner: number | null;
  /** Outer steps, T, of the trained model. */
  readonly outer: number;
}

/** `null` for a model of another family. */
export function shapeOf(model: VariantSpec): Shape | null {
  if (!('image_size' in model)) return null;
  return {
    size: model.image_size,
    channels: model.num_channels,
    inner: 'inner_steps' in model ? model.inner_steps : null,
    outer: depthOf(model),
  };
}

/** Whether drawings are reduced as the images of `digits` were. */
export function readsDigits({ size, channels }: Shape): boolean {
  return size === 8 && channels === 1;
}
