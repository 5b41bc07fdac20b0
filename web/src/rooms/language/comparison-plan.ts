// The plan of an A/B comparison: the settings of both sides, whether they train on the
// same batches, and both as part of an address.

import { type RunConfig, type Setting, SETTINGS } from '../../gen';
import { DEFAULT_PRESET, preset } from '../../run/presets';
import {
  parse,
  settingOf,
  settingsOf,
  show,
  type Value,
  valueOf,
  withSetting,
} from '../../run/settings';
import { callsOf } from '../../gen';

/** Settings that a side changes, by key. */
export type Overrides = Readonly<Record<string, Value>>;

export type Side = 'a' | 'b';
export const SIDES = ['a', 'b'] as const;

export interface ComparisonPlan {
  readonly base: string;
  readonly steps: number;
  readonly a: Overrides;
  readonly b: Overrides;
}

/** Equal compute: each token passes four blocks on both sides. */
export const DEFAULT_COMPARISON: ComparisonPlan = {
  base: DEFAULT_PRESET,
  steps: 300,
  a: { n_layers: 4, recursion_steps: 1 },
  b: { n_layers: 2, recursion_steps: 2 },
};

export const MOST_STEPS = 100_000;

/** Settings that determine the batches of a run. */
const BATCHES: readonly string[] = [
  ...['seed', 'batch_size', 'gradient_accumulation_steps', 'block_size'],
  ...['tokenizer', 'sampling', 'val_fraction'],
];

/** Settings that both sides share. */
const SHARED: readonly string[] = ['variant', 'dataset', 'max_iters'];

/** The configuration of a side. */
export function configOf(plan: ComparisonPlan, side: Side): RunConfig {
  let config = baseOf(plan.base);
  for (const [key, value] of Object.entries(plan[side])) {
    const setting = settingOf(key);
    if (setting) config = withSetting(config, setting, value);
  }
  return { ...config, train: { ...config.train, max_iters: plan.steps } };
}

/** The configuration that both sides change. */
function baseOf(name: string): RunConfig {
  const config = preset(name) ?? preset(DEFAULT_PRESET);
  if (!config) throw new Error('the page was built without its default preset');
  return config;
}

/** A plan with a setting of one side changed; what equals the preset is no change. */
export function withOverride(
  plan: ComparisonPlan,
  side: Side,
  key: string,
  value: Value,
): ComparisonPlan {
  return { ...plan, [side]: tidy(plan.base, { ...plan[side], [key]: value }) };
}

function tidy(base: string, overrides: Overrides): Overrides {
  const config = baseOf(base);
  // Another preset may be of a model without some of them.
  const kept = settingsOf(config)
    .filter(({ key }) => key in overrides)
    .map((setting) => ({ setting, value: overrides[setting.key] ?? '' }))
    .filter(({ setting, value }) => show(value) !== show(valueOf(config, setting)));
  return Object.fromEntries(kept.map(({ setting, value }) => [setting.key, value]));
}

/** The same plan on another preset. */
export function rebased({ steps, a, b }: ComparisonPlan, base: string): ComparisonPlan {
  return { base, steps, a: tidy(base, a), b: tidy(base, b) };
}

/** Why the two cannot be compared; `null` if they can be. */
export function obstacle(plan: ComparisonPlan): string | null {
  const [a, b] = [configOf(plan, 'a'), configOf(plan, 'b')];
  const unlike = SETTINGS.filter(({ key }) => BATCHES.includes(key))
    .map((setting) => ({ key: setting.key, values: [a, b].map((c) => show(valueOf(c, setting))) }))
    .filter(({ values }) => values[0] !== values[1]);
  if (unlike.length === 0) return null;
  const words = unlike.map(
    ({ key, values }) => `${key} is ${values[0]} in A and ${values[1]} in B`,
  );
  return `A and B would train on different batches: ${words.join(', ')}. Use the same value for both.`;
}

/** The number of block evaluations per token of each side. */
export function costs(plan: ComparisonPlan): string {
  const [a, b] = SIDES.map((side) => configOf(plan, side).model);
  if (!a || !b) return '';
  const passes = [a, b].map((m) => m.n_layers * callsOf(m));
  const words = [a, b].map((m) => `${m.n_layers} × ${callsOf(m)}`);
  return passes[0] === passes[1]
    ? `Both use ${passes[0]} block evaluations per token (blocks × calls: ${words.join(' and ')}).`
    : `A uses ${passes[0]} and B ${passes[1]} block evaluations per token (blocks × calls: ${words.join(' and ')}).`;
}

// ── As text ──────────────────────────────────────────────────────────────────

export interface Typed {
  readonly overrides: Overrides;
  /** Error messages. */
  readonly problems: readonly string[];
}

/** Reads settings of the base and their values, one after the other; the last of two wins. */
export function readPairs(pairs: readonly (readonly [string, string])[], base: string): Typed {
  const settings = settingsOf(baseOf(base));
  const overrides: Record<string, Value> = {};
  const problems: string[] = [];
  for (const [key, text] of pairs) {
    const setting = settingOf(key);
    const value = setting ? parse(setting, text) : null;
    if (SHARED.includes(key))
      problems.push(`${key} applies to both sides and cannot be set for one of them.`);
    else if (!setting) problems.push(`There is no setting “${key}”.`);
    else if (!settings.includes(setting))
      problems.push(`The model of “${base}” has no setting ${key}.`);
    else if (value === null) problems.push(`“${text}” is not a valid value for ${key}.`);
    else overrides[key] = value;
  }
  return { overrides, problems };
}

/** Reads `key=value key=value`. */
export function readFree(line: string, base: string): Typed {
  const words = line.split(/[\s;]+/).filter((word) => word !== '');
  return readPairs(
    words.map((word) => halves(word, '=')),
    base,
  );
}

/** The settings of a side that are not among `keys`, as they are typed. */
export function free(overrides: Overrides, keys: readonly string[]): string {
  const rest = Object.entries(overrides).filter(([key]) => !keys.includes(key));
  return rest.map(([key, value]) => `${key}=${show(value)}`).join(' ');
}

function halves(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** A side in an address: `n_layers:4,recursion_steps:1`. */
export function encode(overrides: Overrides): string {
  const pair = ({ key }: Setting) =>
    `${key}:${show(overrides[key] ?? '').replace(/[%,]/g, escape)}`;
  return SETTINGS.filter(({ key }) => key in overrides)
    .map(pair)
    .join(',');
}

const escape = (mark: string) => encodeURIComponent(mark);

function decode(text: string): readonly (readonly [string, string])[] {
  const parts = text.split(',').filter((part) => part !== '');
  return parts.map((part) => {
    const [key, value] = halves(part, ':');
    return [key, value.replace(/%25|%2C/gi, decodeURIComponent)] as const;
  });
}

/** Address parameters of the comparison; links hold them, so they keep their names. */
export const COMPARISON_KEYS = ['duel', 'duel_steps', 'a', 'b'] as const;

export function readComparison(query: URLSearchParams, problems: string[]): ComparisonPlan | null {
  if (!COMPARISON_KEYS.some((key) => query.has(key))) return null;
  const asked = query.get('duel') ?? DEFAULT_COMPARISON.base;
  const base = preset(asked) ? asked : DEFAULT_COMPARISON.base;
  if (base !== asked) problems.push(`There is no preset “${asked}”.`);
  const text = query.get('duel_steps');
  const steps = Number(text ?? DEFAULT_COMPARISON.steps);
  const possible = Number.isInteger(steps) && steps >= 1 && steps <= MOST_STEPS;
  if (!possible) problems.push(`“${text}” is not a valid number of steps for the A/B comparison.`);
  const [a = {}, b = {}] = SIDES.map((side) => {
    const given = query.get(side);
    if (given === null) return query.has('duel') ? {} : DEFAULT_COMPARISON[side];
    const typed = readPairs(decode(given), base);
    problems.push(...typed.problems.map((problem) => `${side.toUpperCase()}: ${problem}`));
    return typed.overrides;
  });
  const plan = { base, steps: possible ? steps : DEFAULT_COMPARISON.steps, a, b };
  return rebased(plan, base);
}

export function writeComparison(query: URLSearchParams, plan: ComparisonPlan): void {
  query.set('duel', plan.base);
  if (plan.steps !== DEFAULT_COMPARISON.steps) query.set('duel_steps', String(plan.steps));
  for (const side of SIDES) {
    const text = encode(plan[side]);
    if (text !== '') query.set(side, text);
  }
}
