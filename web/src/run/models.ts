// The published models by name: which family each belongs to, and the names that older
// files and addresses use for it.

import type { RunConfig, VariantSpec } from '../gen';

export type Family = 'language' | 'puzzles' | 'images';
export type Variant = VariantSpec['variant'];

interface ModelInfo {
  readonly name: Variant;
  readonly aliases: readonly string[];
  readonly family: Family;
}

export const MODELS: readonly ModelInfo[] = [
  { name: 'chat_trm', aliases: ['causal'], family: 'language' },
  { name: 'chunk_lm', aliases: ['chunk'], family: 'language' },
  { name: 'trm_lm', aliases: ['last_token'], family: 'language' },
  { name: 'trm', aliases: ['dual'], family: 'puzzles' },
];

/** The model of a name, present or former; `null` where there is none. */
export function modelNamed(name: unknown): ModelInfo | null {
  if (typeof name !== 'string') return null;
  return MODELS.find((model) => model.name === name || model.aliases.includes(name)) ?? null;
}

export function familyOf({ variant }: Pick<VariantSpec, 'variant'>): Family {
  const model = modelNamed(variant);
  if (!model) throw new Error(`the page was built without the model ${variant}`);
  return model.family;
}

function isNamed(model: object): model is VariantSpec {
  return 'variant' in model && MODELS.some(({ name }) => name === model.variant);
}

/** A configuration as it was stored, with its model under the present name. */
export function renamed(config: RunConfig): RunConfig {
  const known = modelNamed(config.model.variant);
  if (!known || known.name === config.model.variant) return config;
  const model = { ...config.model, variant: known.name };
  return isNamed(model) ? { ...config, model } : config;
}
