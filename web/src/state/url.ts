// The whole configuration in the address: the preset, and what differs from it.
// One table drives both directions.

import { PRESETS, type RunConfig, SETTINGS, type Setting } from '../gen';
import type { DeviceWish } from '../worker/protocol';

/** What to ask the model, and how deep. */
export interface Question {
  prompt: string;
  temperature: number;
  topK: number;
  seed: number;
  depthA: number;
  depthB: number;
}

export interface PageAddress {
  readonly preset: string;
  readonly config: RunConfig;
  readonly question: Question;
  readonly device: DeviceWish;
  readonly software: boolean;
  /** Whether the address says anything about the run. */
  readonly explicit: boolean;
  /** What could not be read, in words. */
  readonly problems: readonly string[];
}

export const DEFAULT_PRESET = 'page-tiny';
export const DEEPEST = 8;

export const DEFAULT_QUESTION: Question = {
  prompt: 'ROMEO:',
  temperature: 0.8,
  topK: 0,
  seed: 1,
  depthA: 1,
  depthB: 2,
};

type Value = string | number | readonly number[];

export function preset(name: string): RunConfig | null {
  return PRESETS.find((preset) => preset.name === name)?.config ?? null;
}

function sections(config: RunConfig): Record<string, Record<string, Value>> {
  return { model: { ...config.model }, data: { ...config.data }, train: { ...config.train } };
}

/** The value of a setting in a configuration. */
export function valueOf(config: RunConfig, setting: Setting): Value {
  return sections(config)[setting.section]?.[setting.key] ?? '';
}

/** A value as it is typed and as it stands in an address. */
export function show(value: Value): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Reads a value; `null` when it is none of its kind. */
export function parse(setting: Setting, text: string): Value | null {
  const number = text.trim() === '' ? NaN : Number(text);
  switch (setting.kind) {
    case 'integer':
      return Number.isSafeInteger(number) && number >= 0 ? number : null;
    case 'number':
      return Number.isFinite(number) ? number : null;
    case 'text':
      return text;
    case 'choice':
      return setting.choices.includes(text) ? text : null;
    case 'numbers': {
      const parts = text.split(',').filter((part) => part.trim() !== '');
      const numbers = parts.map(Number);
      return numbers.every(Number.isFinite) ? numbers : null;
    }
    default:
      return setting.kind satisfies never;
  }
}

function isConfig(value: object): value is RunConfig {
  return 'model' in value && 'data' in value && 'train' in value;
}

/** A configuration with one setting changed. */
export function withSetting(config: RunConfig, setting: Setting, value: Value): RunConfig {
  const whole = sections(config);
  whole[setting.section] = { ...whole[setting.section], [setting.key]: value };
  return isConfig(whole) ? whole : config;
}

/** Whether two configurations are the same run. */
export function same(a: RunConfig, b: RunConfig): boolean {
  return SETTINGS.every((setting) => show(valueOf(a, setting)) === show(valueOf(b, setting)));
}

const NUMBERS = [
  ['temperature', 'temperature'],
  ['top_k', 'topK'],
  ['sample_seed', 'seed'],
  ['depth', 'depthB'],
  ['compare', 'depthA'],
] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...['preset', 'prompt', 'device', 'software'],
  ...NUMBERS.map(([key]) => key),
  ...SETTINGS.map((setting) => setting.key),
]);

export function read(search: string): PageAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const name = query.get('preset') ?? DEFAULT_PRESET;
  let config = preset(name);
  if (!config) {
    problems.push(`There is no preset “${name}”.`);
    config = preset(DEFAULT_PRESET) ?? PRESETS[0]?.config ?? null;
  }
  if (!config) throw new Error('the page was built without presets');
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
  for (const key of query.keys()) {
    if (!KNOWN.has(key)) problems.push(`There is no setting “${key}”.`);
  }
  const question = { ...DEFAULT_QUESTION, prompt: query.get('prompt') ?? DEFAULT_QUESTION.prompt };
  for (const [key, field] of NUMBERS) {
    const text = query.get(key);
    if (text !== null && text.trim() !== '' && Number.isFinite(Number(text))) {
      question[field] = Number(text);
    }
  }
  question.depthA = clampDepth(question.depthA);
  question.depthB = clampDepth(question.depthB);
  const wish = query.get('device');
  return {
    preset: preset(name) ? name : DEFAULT_PRESET,
    config,
    question,
    device: wish === 'cpu' || wish === 'gpu' ? wish : 'auto',
    software: query.get('software') === '1',
    explicit,
    problems,
  };
}

function clampDepth(depth: number): number {
  return Math.min(DEEPEST, Math.max(1, Math.round(depth)));
}

/** The address of a page; only what differs from the preset and the defaults. */
export function write(
  page: Pick<PageAddress, 'preset' | 'config' | 'question' | 'device' | 'software'>,
): string {
  const query = new URLSearchParams();
  query.set('preset', page.preset);
  const base = preset(page.preset);
  for (const setting of SETTINGS) {
    const value = show(valueOf(page.config, setting));
    if (!base || value !== show(valueOf(base, setting))) query.set(setting.key, value);
  }
  if (page.question.prompt !== DEFAULT_QUESTION.prompt) query.set('prompt', page.question.prompt);
  for (const [key, field] of NUMBERS) {
    if (page.question[field] !== DEFAULT_QUESTION[field]) {
      query.set(key, String(page.question[field]));
    }
  }
  if (page.device !== 'auto') query.set('device', page.device);
  if (page.software) query.set('software', '1');
  return `?${query.toString()}`;
}
