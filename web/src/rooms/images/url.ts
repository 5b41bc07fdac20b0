// The address of the images page: run, image on the stage, inner and outer steps.

import type { ImageSplit } from '../../gen';
import { unknown } from '../../run/keys';
import { mostOf } from '../../run/settings';
import {
  addressOf,
  readRun,
  RUN_KEYS,
  type RunAddress,
  type RunPage,
  writeRun,
} from '../../run/url';
import { readWish, type Wish, WISH_KEYS, writeWish } from '../../run/wish';
import { type Bitmap, decode, encode, isBlank } from './bitmap';
import type { Overlay } from './steps';

/** How the model runs, and what is shown of it. */
export interface Look {
  /** Inner and outer steps, N and T; `null` means as many as the model was trained with. */
  inner: number | null;
  outer: number | null;
  overlay: Overlay;
}

/** What an address says of the image; a picture of the visitor's is not part of it. */
export interface NamedImage {
  /** Whether drawings are made like the images of the data set. */
  readonly fit: boolean;
  readonly bitmap: Bitmap | null;
  readonly split: ImageSplit;
  readonly index: number | null;
}

export interface ImagesAddress extends RunAddress, Wish {
  readonly image: NamedImage;
  readonly look: Look;
  /** The selected outer step; `null` is the last. */
  readonly step: number | null;
  readonly handed: boolean;
  readonly problems: readonly string[];
}

export type ImagesPageState = RunPage & Wish & Pick<ImagesAddress, 'image' | 'look' | 'step'>;

/** The default preset. */
export const STANDARD = 'digits';
/** Largest N and T of the sliders; the model and the address may have more. */
export const MOST_STEPS = 12;
/** Largest N and T of an address. */
const [MOST_INNER, MOST_OUTER] = [mostOf('inner_steps'), mostOf('outer_steps')];
const MOST_IMAGES = 1e7;
export const DEFAULT_LOOK: Look = { inner: null, outer: null, overlay: 'none' };
const NO_IMAGE: NamedImage = { fit: true, bitmap: null, split: 'test', index: null };

const KNOWN: ReadonlySet<string> = new Set([
  ...['drawing', 'fit', 'image', 'split', 'inner', 'outer', 'at', 'overlay', 'handed'],
  ...[...RUN_KEYS, ...WISH_KEYS],
]);

export function readImages(search: string): ImagesAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const run = readRun(query, STANDARD, problems);
  const number = (key: string, most: number) => readNumber(query, key, most, problems);
  const overlay = oneOf(query, 'overlay', ['none', 'moved', 'attention'] as const, problems);
  problems.push(...unknown(query, KNOWN));
  return {
    ...run,
    ...readWish(query, problems),
    image: readImage(query, problems),
    look: {
      inner: number('inner', MOST_INNER),
      outer: number('outer', MOST_OUTER),
      overlay: overlay ?? DEFAULT_LOOK.overlay,
    },
    step: number('at', MOST_OUTER),
    handed: query.get('handed') === '1',
    problems,
  };
}

function readImage(query: URLSearchParams, problems: string[]): NamedImage {
  const drawing = query.get('drawing');
  const bitmap = drawing === null ? null : decode(drawing);
  if (drawing !== null && !bitmap) problems.push('The drawing in the address cannot be read.');
  const number = readNumber(query, 'image', MOST_IMAGES, problems);
  const split = oneOf(query, 'split', ['train', 'val', 'test'] as const, problems);
  return {
    fit: query.get('fit') !== '0',
    bitmap,
    split: split ?? NO_IMAGE.split,
    index: number === null ? null : number - 1,
  };
}

function oneOf<T extends string>(
  query: URLSearchParams,
  key: string,
  known: readonly T[],
  problems: string[],
): T | null {
  const text = query.get(key);
  const found = known.find((each) => each === text) ?? null;
  if (text !== null && found === null) problems.push(`“${text}” is not a valid value for ${key}.`);
  return found;
}

/** A whole number from 1. */
function readNumber(
  query: URLSearchParams,
  key: string,
  most: number,
  problems: string[],
): number | null {
  const text = query.get(key);
  if (text === null) return null;
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  problems.push(`“${text}” is not a valid value for ${key}.`);
  return null;
}

export function writeImages(page: ImagesPageState): string {
  const query = new URLSearchParams();
  const { look, image, step } = page;
  if (image.bitmap && !isBlank(image.bitmap)) {
    query.set('drawing', encode(image.bitmap));
    if (!image.fit) query.set('fit', '0');
  } else if (image.index !== null) {
    query.set('image', String(image.index + 1));
    if (image.split !== NO_IMAGE.split) query.set('split', image.split);
  }
  writeRun(query, page);
  if (look.inner !== null) query.set('inner', String(look.inner));
  if (look.outer !== null) query.set('outer', String(look.outer));
  if (step !== null) query.set('at', String(step));
  if (look.overlay !== DEFAULT_LOOK.overlay) query.set('overlay', look.overlay);
  writeWish(query, page);
  return addressOf(query);
}
