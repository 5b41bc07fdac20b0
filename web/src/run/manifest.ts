// Parses and validates the list of pre-trained models.

import {
  DEFAULT_CONFIG,
  type ImageScores,
  modelOf,
  PRESETS,
  type PuzzleScores,
  type RunConfig,
} from '../gen';
import { parse, settingsOf, show, withSetting } from './settings';

/** One model that comes with the page. */
export interface Shipped {
  /** What addresses call it. */
  readonly name: string;
  readonly title: string;
  /** Beside the manifest. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly description: string;
  readonly variant: string;
  readonly dataset: string;
  readonly parameters: number;
  readonly config: RunConfig;
  /** What trained it. */
  readonly command: string;
  readonly seed: number;
  readonly hardware: string;
  readonly minutes: number;
  readonly step: number;
  /** Over the whole validation split, in nats per token; by depth, shallow first. */
  readonly losses: readonly ShippedLoss[];
  /** Of a solver: how held-out puzzles are answered. */
  readonly scores?: PuzzleScores;
  /** Of an image classifier: how held-out images are classified. */
  readonly images?: ShippedAccuracy;
  /** The file of the frozen base that it needs, beside the manifest. */
  readonly base?: string;
}

export type ShippedAccuracy = Pick<ImageScores, 'images' | 'steps'>;

export interface ShippedLoss {
  readonly depth: number;
  readonly loss: number;
}

export interface Manifest {
  /** What the page opens with. */
  readonly first: Shipped;
  readonly checkpoints: readonly Shipped[];
}

const FORMAT = 'trm-checkpoints/1';
/** A plain name: a manifest cannot send the page elsewhere. */
const FILE = /^[\w-][\w.-]*\.safetensors$/;
/** A page that is opened does not fetch more than this by itself. */
const LARGEST = 64e6;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a manifest, or throws an error that names what is wrong with it. */
export function readManifest(document: unknown): Manifest {
  if (!isFields(document)) throw new Error('the manifest is not a JSON object');
  const format = text(document, 'format');
  if (format !== FORMAT) throw new Error(`its format is “${format}”, not “${FORMAT}”`);
  const checkpoints = list(document, 'checkpoints').map((entry, i) => {
    try {
      return shipped(entry);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`checkpoint ${i + 1}: ${why}`, { cause: error });
    }
  });
  const names = checkpoints.map((each) => each.name);
  if (new Set(names).size < names.length) throw new Error('two checkpoints have the same name');
  const wanted = text(document, 'default');
  const first = checkpoints.find((each) => each.name === wanted);
  if (!first) throw new Error(`its default “${wanted}” is not one of its checkpoints`);
  return { first, checkpoints };
}

function shipped(entry: unknown): Shipped {
  if (!isFields(entry)) throw new Error('not a JSON object');
  return {
    name: matching(entry, 'name', /^[a-z0-9][a-z0-9-]*$/),
    title: text(entry, 'title'),
    file: matching(entry, 'file', FILE),
    bytes: whole(entry, 'bytes', 1, LARGEST),
    sha256: matching(entry, 'sha256', /^[0-9a-f]{64}$/),
    description: text(entry, 'description'),
    variant: text(entry, 'variant'),
    dataset: text(entry, 'dataset'),
    parameters: whole(entry, 'parameters', 1),
    config: config(entry['config']),
    command: text(entry, 'command'),
    seed: whole(entry, 'seed'),
    hardware: text(entry, 'hardware'),
    minutes: number(entry, 'minutes'),
    step: whole(entry, 'step'),
    losses: list(entry, 'losses').map(loss),
    ...(entry['scores'] === undefined ? {} : measured(entry['scores'])),
    ...(entry['base'] === undefined ? {} : { base: matching(entry, 'base', FILE) }),
  };
}

function loss(row: unknown): ShippedLoss {
  if (!isFields(row)) throw new Error('“losses” is not a list of depths and losses');
  return { depth: whole(row, 'depth', 1), loss: number(row, 'loss') };
}

/** The scores of a solver or of an image classifier. */
function measured(value: unknown): Pick<Shipped, 'scores' | 'images'> {
  if (!isFields(value)) throw new Error('“scores” is not a JSON object');
  return value['images'] === undefined ? { scores: scores(value) } : { images: accuracy(value) };
}

function accuracy(value: Fields): ShippedAccuracy {
  const steps = list(value, 'steps').map((row) => {
    if (!isFields(row)) throw new Error('“steps” is not a list of scores');
    const [step, loss] = [whole(row, 'step', 1), number(row, 'loss')];
    return { step, loss, top1: number(row, 'top1'), top5: number(row, 'top5') };
  });
  return { images: whole(value, 'images', 1), steps };
}

function scores(value: Fields): PuzzleScores {
  const share = (row: Fields) => ({
    cell_accuracy: number(row, 'cell_accuracy'),
    exact_accuracy: number(row, 'exact_accuracy'),
  });
  const rows = (key: string) => list(value, key).map((row) => (isFields(row) ? row : {}));
  return {
    puzzles: whole(value, 'puzzles', 1),
    steps: rows('steps').map((row) => ({
      step: whole(row, 'step', 1),
      loss: number(row, 'loss'),
      ...share(row),
    })),
    halting: rows('halting').map((row) => ({
      threshold: number(row, 'threshold'),
      steps: number(row, 'steps'),
      ...share(row),
    })),
  };
}

/** The configuration; a setting that is younger than the checkpoint has its default. */
function config(value: unknown): RunConfig {
  if (!isFields(value)) throw new Error('“config” is missing');
  const { model } = value;
  const variant = isFields(model) ? model['variant'] : undefined;
  const name = typeof variant === 'string' ? modelOf(variant)?.name : undefined;
  const known = [DEFAULT_CONFIG, ...PRESETS.map((preset) => preset.config)];
  const alike = known.find(({ model }) => model.variant === name);
  if (!alike) throw new Error(`“config” has the unknown variant “${String(variant)}”`);
  let read: RunConfig = { ...DEFAULT_CONFIG, model: alike.model };
  for (const setting of settingsOf(read)) {
    const section = value[setting.section];
    if (!isFields(section)) throw new Error(`“config” has no “${setting.section}”`);
    const given = section[setting.key];
    // The variant is known already, perhaps under a former name.
    if (given === undefined || setting.key === 'variant') continue;
    const parsed = isValue(given) ? parse(setting, show(given)) : null;
    if (parsed === null) throw new Error(`“config” has an unreadable “${setting.key}”`);
    read = withSetting(read, setting, parsed);
  }
  return read;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is string | number | boolean | number[] {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'number');
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function text(from: Fields, key: string): string {
  const value = from[key];
  if (typeof value !== 'string' || value === '') throw new Error(`“${key}” is not a text`);
  return value;
}

function matching(from: Fields, key: string, pattern: RegExp): string {
  const value = text(from, key);
  if (!pattern.test(value)) throw new Error(`“${key}” cannot be “${value}”`);
  return value;
}

function number(from: Fields, key: string): number {
  const value = from[key];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new Error(`“${key}” is not a number`);
  }
  return value;
}

function whole(from: Fields, key: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const value = number(from, key);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`“${key}” cannot be ${value}`);
  }
  return value;
}

function list(from: Fields, key: string): readonly unknown[] {
  const value: unknown = from[key];
  if (!Array.isArray(value) || value.length === 0) throw new Error(`“${key}” is not a list`);
  return value;
}
