// The configuration as one JSON document: shown, and read again.

import type { RunConfig } from '../gen';
import { parse, refusal, settingsOf, show, type Value, withSetting } from './settings';

export function written({ model, data, train }: RunConfig): string {
  return JSON.stringify({ model, data, train }, null, 2);
}

/** The configuration with the values of a document; a text says what is wrong with it. */
export function read(config: RunConfig, text: string): RunConfig | string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!isObject(document)) return 'The document is no object.';
  let changed = config;
  for (const [section, values] of Object.entries(document)) {
    if (!isObject(values)) return `“${section}” is no object.`;
    for (const [key, value] of Object.entries(values)) {
      const setting = settingsOf(config).find(
        (each) => each.section === section && each.key === key,
      );
      if (!setting) return `This model has no setting “${key}” in “${section}”.`;
      const parsed = isValue(value) ? parse(setting, show(value)) : null;
      if (parsed === null) return refusal(setting, JSON.stringify(value));
      if (key === 'variant' && parsed !== config.model.variant) {
        return 'Another model is chosen in the menu above, not here.';
      }
      changed = withSetting(changed, setting, parsed);
    }
  }
  return changed;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is Value {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'number');
  return ['string', 'number', 'boolean'].includes(typeof value);
}
