// The values of settings: read, shown and changed by the table of all settings.

import { type RunConfig, SETTINGS, type Setting } from '../gen';
import { rangeOf, said, within } from './limits';

/** Settings that may change during a run. */
export const LIVE: readonly string[] = SETTINGS.filter((s) => s.live).map((s) => s.key);

/** The settings of a configuration's model. */
export function settingsOf({ model }: RunConfig): Setting[] {
  return SETTINGS.filter(
    ({ variants }) => variants.length === 0 || variants.includes(model.variant),
  );
}

/** Settings of the command line only, without effect on training. */
export const UNFELT: readonly string[] = SETTINGS.filter((s) => s.cli_only).map((s) => s.key);

export function settingOf(key: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.key === key);
}

/** The largest value that a setting may have on the page. */
export function mostOf(key: string): number {
  const setting = settingOf(key);
  return (setting && rangeOf(setting)?.most) ?? Infinity;
}

/** New values of live settings, by key. */
export type Patch = Readonly<Record<string, Value>>;

export type Value = string | number | boolean | readonly number[];

type Sections = Record<string, Record<string, Value>>;

/** A page asks for all values of a configuration at every step; none is ever changed itself. */
const known = new WeakMap<RunConfig, Sections>();

function sections(config: RunConfig): Sections {
  let found = known.get(config);
  if (!found) {
    found = { model: { ...config.model }, data: { ...config.data }, train: { ...config.train } };
    known.set(config, found);
  }
  return found;
}

/** The value of a setting in a configuration. */
export function valueOf(config: RunConfig, setting: Setting): Value {
  return sections(config)[setting.section]?.[setting.key] ?? '';
}

/** A value as text, in a form and in an address. */
export function show(value: Value): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Parses a value; `null` if it is not valid. */
export function parse(setting: Setting, text: string): Value | null {
  const number = text.trim() === '' ? NaN : Number(text);
  switch (setting.kind) {
    case 'integer':
    case 'number': {
      const range = rangeOf(setting);
      return range && within(range, number) ? number : null;
    }
    case 'text':
      return text;
    case 'flag':
      return text === 'true' ? true : text === 'false' ? false : null;
    case 'choice':
      return setting.choices.includes(text) ? text : null;
    case 'numbers': {
      const parts = text.split(',').filter((part) => part.trim() !== '');
      const numbers = parts.map(Number);
      const [least, most] = setting.range ?? [-Infinity, Infinity];
      const good = (n: number) => Number.isFinite(n) && n >= least && n <= most;
      return numbers.every(good) ? numbers : null;
    }
    default:
      return setting.kind satisfies never;
  }
}

/** Why a text is no value of a setting. */
export function refusal(setting: Setting, text: string): string {
  const range = rangeOf(setting);
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `“${shown}” is not a valid value for ${setting.key}${range ? ` (${said(range)})` : ''}.`;
}

function isConfig(value: object): value is RunConfig {
  return 'model' in value && 'data' in value && 'train' in value;
}

/** A configuration with one setting changed. */
export function withSetting(config: RunConfig, setting: Setting, value: Value): RunConfig {
  const whole = { ...sections(config) };
  whole[setting.section] = { ...whole[setting.section], [setting.key]: value };
  return isConfig(whole) ? whole : config;
}

/** The settings in which two configurations differ. */
export function differing(a: RunConfig, b: RunConfig): Setting[] {
  return SETTINGS.filter((setting) => show(valueOf(a, setting)) !== show(valueOf(b, setting)));
}

/** Whether two configurations are the same run. */
export function same(a: RunConfig, b: RunConfig): boolean {
  return differing(a, b).length === 0;
}

/** A configuration with several settings changed, as far as there are such. */
export function patched(config: RunConfig, patch: Patch): RunConfig {
  return Object.entries(patch).reduce((changed, [key, value]) => {
    const setting = settingOf(key);
    return setting ? withSetting(changed, setting, value) : changed;
  }, config);
}

/** The keys of a patch for which a configuration has no setting. */
export function unfitting(config: RunConfig, patch: Patch): string[] {
  const own = settingsOf(config).map(({ key }) => key);
  return Object.keys(patch).filter((key) => !own.includes(key));
}

/** The live settings of a configuration. */
export function liveOf(config: RunConfig): Patch {
  return Object.fromEntries(
    settingsOf(config)
      .filter((setting) => setting.live)
      .map((setting) => [setting.key, valueOf(config, setting)]),
  );
}
