// Configurations that were stored when the models had other names.

import { modelOf, type RunConfig, type VariantSpec } from '../gen';

/** A stored configuration, with its model under the present name. */
export function renamed(config: RunConfig): RunConfig {
  const name = modelOf(config.model.variant)?.name;
  if (!name || name === config.model.variant) return config;
  const model = { ...config.model, variant: name };
  return isModel(model) ? { ...config, model } : config;
}

function isModel(model: { readonly variant: string }): model is VariantSpec {
  return modelOf(model.variant)?.name === model.variant;
}
