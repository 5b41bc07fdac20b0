// What is on the stage, as the model is asked about it.

import type { ImageInput, ImageSplit } from '../../gen';
import { type Bitmap, isBlank, SIDE, toRgba } from './bitmap';
import { DIGITS, fitted, MNIST } from './fitting';
import { inverted, type Picture } from './picture';
import { readsDigits, type Shape } from './shape';

/** An image on the stage. */
export type Subject =
  | {
      readonly kind: 'drawing';
      readonly bitmap: Bitmap;
      /** Whether it is made like the images of the data set. */
      readonly fit: boolean;
    }
  | { readonly kind: 'stored'; readonly split: ImageSplit; readonly index: number }
  | {
      readonly kind: 'picture';
      readonly picture: Picture;
      /** Whether bright and dark are exchanged. */
      readonly invert: boolean;
    };

/** `null` where there is nothing to classify. */
export function requestOf(subject: Subject, shape: Shape): ImageInput | null {
  switch (subject.kind) {
    case 'drawing': {
      const { bitmap, fit } = subject;
      if (isBlank(bitmap)) return null;
      if (readsDigits(shape))
        return { kind: 'drawing', bitmap: fit ? fitted(bitmap, DIGITS) : bitmap };
      const rgba = toRgba(fit ? fitted(bitmap, MNIST) : bitmap);
      return { kind: 'picture', width: SIDE, height: SIDE, rgba };
    }
    case 'stored':
      return { kind: 'stored', split: subject.split, index: subject.index };
    case 'picture': {
      const { picture, invert } = subject;
      const { width, height, rgba } = picture;
      return { kind: 'picture', width, height, rgba: invert ? inverted(rgba) : rgba };
    }
    default:
      return subject satisfies never;
  }
}
