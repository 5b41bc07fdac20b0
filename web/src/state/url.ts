// The whole run in the address: the checkpoint or preset that it comes from, and
// what differs from that. One table drives both directions.

import { PRESETS, type RunConfig, SETTINGS } from '../gen';
import type { DeviceWish } from '../worker/protocol';
import { DUEL_KEYS, type DuelPlan, readDuel, writeDuel } from './duel';
import { DEFAULT_PRESET, preset } from './presets';
import { LIVE, parse, type Patch, show, type Value, valueOf, withSetting } from './settings';

/** What to ask the model, and how deep. */
export interface Question {
  prompt: string;
  temperature: number;
  topK: number;
  seed: number;
  /** Cycles; `null` means as many as the model was trained with. */
  depth: number | null;
  /** Depths to compare; `null` means telling ones for the model. */
  depths: readonly number[] | null;
  /** A fixed text to watch the model read; `null` means how its own text begins. */
  probe: string | null;
}

/** Where a run comes from, if it is a model that comes with the page. */
export interface Origin {
  readonly name: string;
  readonly config: RunConfig;
}

export interface PageAddress {
  readonly preset: string;
  readonly config: RunConfig;
  /** Name of a checkpoint that comes with the page; it goes before the preset. */
  readonly checkpoint: string | null;
  /** What the address changes of the checkpoint's settings. */
  readonly live: Patch;
  readonly question: Question;
  /** Two configurations to be trained beside the run. */
  readonly duel: DuelPlan | null;
  readonly device: DeviceWish;
  readonly software: boolean;
  /** Whether the address says anything about the run. */
  readonly explicit: boolean;
  /** What could not be read, in words. */
  readonly problems: readonly string[];
}

/** What is written. */
export type Page = Pick<
  PageAddress,
  'preset' | 'config' | 'question' | 'duel' | 'device' | 'software'
> & {
  readonly origin: Origin | null;
};

export const DEEPEST = 8;
/** Texts beside each other. */
export const MOST_COMPARED = 4;

export const DEFAULT_QUESTION: Question = {
  prompt: 'ROMEO:',
  temperature: 0.8,
  topK: 0,
  seed: 1,
  depth: null,
  depths: null,
  probe: null,
};

const NUMBERS = [
  ['temperature', 'temperature'],
  ['top_k', 'topK'],
  ['sample_seed', 'seed'],
] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...['preset', 'checkpoint', 'prompt', 'depth', 'depths', 'probe', 'device', 'software'],
  ...NUMBERS.map(([key]) => key),
  ...DUEL_KEYS,
  ...SETTINGS.map((setting) => setting.key),
]);

export function read(search: string): PageAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const checkpoint = query.get('checkpoint');
  const run = checkpoint === null ? readRun(query, problems) : notRead(query, problems);
  for (const key of query.keys()) {
    if (!KNOWN.has(key)) problems.push(`There is no setting “${key}”.`);
  }
  const wish = query.get('device');
  return {
    ...run,
    checkpoint,
    live: checkpoint === null ? {} : readLive(query, problems),
    explicit: run.explicit || checkpoint !== null,
    question: readQuestion(query),
    duel: readDuel(query, problems),
    device: wish === 'cpu' || wish === 'gpu' ? wish : 'auto',
    software: query.get('software') === '1',
    problems,
  };
}

type Run = Pick<PageAddress, 'preset' | 'config' | 'explicit'>;

/** A preset and what differs from it. */
function readRun(query: URLSearchParams, problems: string[]): Run {
  const name = query.get('preset') ?? DEFAULT_PRESET;
  let config = preset(name);
  if (!config) problems.push(`There is no preset “${name}”.`);
  const known = config ? name : DEFAULT_PRESET;
  config ??= standard();
  let explicit = query.has('preset');
  for (const setting of SETTINGS) {
    const text = query.get(setting.key);
    if (text === null) continue;
    const value = parse(setting, text);
    if (value === null) problems.push(`“${text}” cannot be the ${setting.key}.`);
    else {
      explicit = true;
      config = withSetting(config, setting, value);
    }
  }
  return { preset: known, config, explicit };
}

function standard(): RunConfig {
  const config = preset(DEFAULT_PRESET) ?? PRESETS[0]?.config;
  if (!config) throw new Error('the page was built without presets');
  return config;
}

/** A checkpoint knows its own settings; those that an address adds are named. */
function notRead(query: URLSearchParams, problems: string[]): Run {
  for (const key of ['preset', ...SETTINGS.map((setting) => setting.key)]) {
    if (query.has(key) && !LIVE.includes(key)) {
      problems.push(`The address names a checkpoint, so its “${key}” was not used.`);
    }
  }
  return { preset: DEFAULT_PRESET, config: standard(), explicit: true };
}

function readLive(query: URLSearchParams, problems: string[]): Patch {
  const live: Record<string, Value> = {};
  for (const setting of SETTINGS) {
    const text = setting.live ? query.get(setting.key) : null;
    if (text === null) continue;
    const value = parse(setting, text);
    if (value === null) problems.push(`“${text}” cannot be the ${setting.key}.`);
    else live[setting.key] = value;
  }
  return live;
}

function readQuestion(query: URLSearchParams): Question {
  const question: Question = { ...DEFAULT_QUESTION };
  question.prompt = query.get('prompt') ?? question.prompt;
  for (const [key, field] of NUMBERS) {
    const text = query.get(key);
    if (text !== null && text.trim() !== '' && Number.isFinite(Number(text))) {
      question[field] = Number(text);
    }
  }
  question.depth = readDepths(query.get('depth'))?.[0] ?? null;
  question.depths = readDepths(query.get('depths'));
  question.probe = query.get('probe');
  return question;
}

/** Depths separated by commas; `null` when there is none. */
function readDepths(text: string | null): number[] | null {
  const numbers = (text ?? '').split(',').filter((part) => part.trim() !== '');
  const depths = numbers.map(Number).filter(Number.isFinite).map(clampDepth);
  return depths.length > 0 ? depths.slice(0, MOST_COMPARED) : null;
}

function clampDepth(depth: number): number {
  return Math.min(DEEPEST, Math.max(1, Math.round(depth)));
}

/** The address of a page; only what differs from where the run comes from and the defaults. */
export function write(page: Page): string {
  const query = new URLSearchParams();
  if (page.origin) query.set('checkpoint', page.origin.name);
  else query.set('preset', page.preset);
  const base = page.origin?.config ?? preset(page.preset);
  for (const setting of SETTINGS) {
    // What a checkpoint cannot change cannot differ from it either.
    if (page.origin && !LIVE.includes(setting.key)) continue;
    const value = show(valueOf(page.config, setting));
    if (!base || value !== show(valueOf(base, setting))) query.set(setting.key, value);
  }
  if (page.question.prompt !== DEFAULT_QUESTION.prompt) query.set('prompt', page.question.prompt);
  for (const [key, field] of NUMBERS) {
    if (page.question[field] !== DEFAULT_QUESTION[field]) {
      query.set(key, String(page.question[field]));
    }
  }
  const { depth, depths, probe } = page.question;
  if (depth !== null) query.set('depth', String(depth));
  if (depths !== null) query.set('depths', depths.join(','));
  if (probe !== null) query.set('probe', probe);
  if (page.duel) writeDuel(query, page.duel);
  if (page.device !== 'auto') query.set('device', page.device);
  if (page.software) query.set('software', '1');
  // Both may stand as they are in an address, and are easier to read so.
  return `?${query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')}`;
}
