// A run in an address: the checkpoint or preset that it comes from, and what differs
// from that. One table drives both directions.

import { modelOf, PRESETS, type RunConfig, SETTINGS } from '../gen';
import { preset } from './presets';
import {
  LIVE,
  parse,
  refusal,
  type Patch,
  settingOf,
  settingsOf,
  show,
  type Value,
  valueOf,
  withSetting,
} from './settings';

export interface RunAddress {
  readonly preset: string;
  readonly config: RunConfig;
  /** Name of a checkpoint that comes with the page; it goes before the preset. */
  readonly checkpoint: string | null;
  /** What the address changes of the checkpoint's settings. */
  readonly live: Patch;
  /** Whether the address says anything about the run. */
  readonly explicit: boolean;
}

/** The pre-trained model that a run started from. */
export interface Origin {
  readonly name: string;
  readonly config: RunConfig;
}

/** The part of a run that the address contains. */
export interface RunPage extends Pick<RunAddress, 'preset' | 'config'> {
  readonly origin: Origin | null;
}

export const RUN_KEYS = ['preset', 'checkpoint', ...SETTINGS.map((setting) => setting.key)];

type Run = Pick<RunAddress, 'preset' | 'config' | 'explicit'>;

export function readRun(query: URLSearchParams, standard: string, problems: string[]): RunAddress {
  const checkpoint = query.get('checkpoint');
  if (checkpoint === null) {
    return { ...readSettings(query, standard, problems), checkpoint, live: {} };
  }
  // A checkpoint knows its own settings; those that an address adds are named.
  for (const key of RUN_KEYS) {
    if (key !== 'checkpoint' && query.has(key) && !LIVE.includes(key)) {
      problems.push(`The address names a checkpoint, so “${key}” is ignored.`);
    }
  }
  const config = preset(standard) ?? anyConfig();
  const live = readLive(query, problems);
  return { preset: standard, config, explicit: true, checkpoint, live };
}

/** A preset and what differs from it. */
function readSettings(query: URLSearchParams, standard: string, problems: string[]): Run {
  const name = query.get('preset') ?? standard;
  let config = preset(name);
  if (!config) problems.push(`There is no preset “${name}”.`);
  const known = config ? name : standard;
  config ??= preset(standard) ?? anyConfig();
  const { variant } = config.model;
  const settings = settingsOf(config);
  let explicit = query.has('preset');
  for (const [key, typed] of query) {
    const setting = settingOf(key);
    if (!setting) continue;
    // Addresses of before the models had their published names.
    const text = key === 'variant' ? (modelOf(typed)?.name ?? typed) : typed;
    const value = parse(setting, text);
    if (!settings.includes(setting) || (key === 'variant' && text !== variant)) {
      problems.push(`The model of “${known}” has no setting ${key}.`);
    } else if (value === null) {
      problems.push(refusal(setting, text));
    } else {
      explicit = true;
      config = withSetting(config, setting, value);
    }
  }
  return { preset: known, config, explicit };
}

function anyConfig(): RunConfig {
  const config = PRESETS[0]?.config;
  if (!config) throw new Error('the page was built without presets');
  return config;
}

function readLive(query: URLSearchParams, problems: string[]): Patch {
  const live: Record<string, Value> = {};
  for (const setting of SETTINGS) {
    const text = setting.live ? query.get(setting.key) : null;
    if (text === null) continue;
    const value = parse(setting, text);
    if (value === null) problems.push(refusal(setting, text));
    else live[setting.key] = value;
  }
  return live;
}

/** Only what differs from where the run comes from. */
export function writeRun(query: URLSearchParams, page: RunPage): void {
  if (page.origin) query.set('checkpoint', page.origin.name);
  else query.set('preset', page.preset);
  const base = page.origin?.config ?? preset(page.preset);
  for (const setting of settingsOf(page.config)) {
    // What a checkpoint cannot change cannot differ from it either.
    if (page.origin && !LIVE.includes(setting.key)) continue;
    const value = show(valueOf(page.config, setting));
    if (!base || value !== show(valueOf(base, setting))) query.set(setting.key, value);
  }
}

export function addressOf(query: URLSearchParams): string {
  // Both may stand as they are in an address, and are easier to read so.
  return `?${query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')}`;
}
