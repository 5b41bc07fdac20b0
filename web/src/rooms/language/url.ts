// The address of the language page: run, prompt, sampling options, A/B comparison.

import {
  COMPARISON_KEYS,
  type ComparisonPlan,
  readComparison,
  writeComparison,
} from './comparison-plan';
import { unknown } from '../../run/keys';
import { mistake, within } from '../../run/limits';
import { DEFAULT_PRESET } from '../../run/presets';
import {
  addressOf,
  readRun,
  RUN_KEYS,
  type RunAddress,
  type RunPage,
  writeRun,
} from '../../run/url';
import { readWish, type Wish, WISH_KEYS, writeWish } from '../../run/wish';

/** Prompt, sampling options and depths. */
export interface PromptOptions {
  prompt: string;
  temperature: number;
  topK: number;
  seed: number;
  /** Cycles; `null` means as many as the model was trained with. */
  depth: number | null;
  /** Depths to compare; `null` means a default choice for the model. */
  depths: readonly number[] | null;
  /** The fixed text of the grid; `null` means the beginning of the training text. */
  referenceText: string | null;
}

export interface PageAddress extends RunAddress, Wish {
  readonly options: PromptOptions;
  /** The A/B comparison. */
  readonly comparison: ComparisonPlan | null;
  /** Whether a file from another page is waiting. */
  readonly handed: boolean;
  /** Error messages. */
  readonly problems: readonly string[];
}

/** The part of the page that the address contains. */
export type Page = RunPage & Wish & Pick<PageAddress, 'options' | 'comparison'>;

export const DEEPEST = 8;
/** Texts beside each other. */
export const MOST_COMPARED = 4;

export const DEFAULT_OPTIONS: PromptOptions = {
  prompt: 'ROMEO:',
  temperature: 0.8,
  topK: 0,
  seed: 1,
  depth: null,
  depths: null,
  referenceText: null,
};

const NUMBERS = [
  ['temperature', 'temperature', { least: 0, most: 5, whole: false }],
  ['top_k', 'topK', { least: 0, most: 10_000, whole: true }],
  ['sample_seed', 'seed', { least: 0, most: 2 ** 32 - 1, whole: true }],
] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...['prompt', 'depth', 'depths', 'probe', 'handed'],
  ...NUMBERS.map(([key]) => key),
  ...[...WISH_KEYS, ...RUN_KEYS, ...COMPARISON_KEYS],
]);

export function read(search: string): PageAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const run = readRun(query, DEFAULT_PRESET, problems);
  problems.push(...unknown(query, KNOWN));
  return {
    ...run,
    ...readWish(query, problems),
    options: readOptions(query, problems),
    comparison: readComparison(query, problems),
    handed: query.get('handed') === '1',
    problems,
  };
}

function readOptions(query: URLSearchParams, problems: string[]): PromptOptions {
  const options: PromptOptions = { ...DEFAULT_OPTIONS };
  options.prompt = query.get('prompt') ?? options.prompt;
  for (const [key, field, range] of NUMBERS) {
    const text = query.get(key);
    const wrong = text === null ? null : mistake(range, text);
    if (wrong) problems.push(`${key}: ${wrong}`);
    else if (text !== null) options[field] = Number(text);
  }
  options.depth = readDepths(query, 'depth', problems)?.[0] ?? null;
  options.depths = readDepths(query, 'depths', problems);
  options.referenceText = query.get('probe');
  return options;
}

/** Depths separated by commas; `null` when there is none. */
function readDepths(query: URLSearchParams, key: string, problems: string[]): number[] | null {
  const text = query.get(key);
  if (text === null) return null;
  const range = { least: 1, most: DEEPEST, whole: true };
  const parts = text.split(',').filter((part) => part.trim() !== '');
  const wrong = parts.map((part) => mistake(range, part)).find((each) => each !== null);
  if (wrong || parts.length === 0) problems.push(`${key}: ${wrong ?? mistake(range, '')}`);
  const depths = parts.map(Number).filter((depth) => within(range, depth));
  return depths.length > 0 ? depths.slice(0, MOST_COMPARED) : null;
}

/** The address of a page; only what differs from where the run comes from and the defaults. */
export function write(page: Page): string {
  const query = new URLSearchParams();
  writeRun(query, page);
  if (page.options.prompt !== DEFAULT_OPTIONS.prompt) query.set('prompt', page.options.prompt);
  for (const [key, field] of NUMBERS) {
    if (page.options[field] !== DEFAULT_OPTIONS[field]) {
      query.set(key, String(page.options[field]));
    }
  }
  const { depth, depths, referenceText } = page.options;
  if (depth !== null) query.set('depth', String(depth));
  if (depths !== null) query.set('depths', depths.join(','));
  // Links hold this key, so it keeps its name.
  if (referenceText !== null) query.set('probe', referenceText);
  if (page.comparison) writeComparison(query, page.comparison);
  writeWish(query, page);
  return addressOf(query);
}
