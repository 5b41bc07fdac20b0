// The presets by name, with their titles.

import { familyOf, PRESETS, type RunConfig } from '../gen';
import { differing } from './settings';

export const DEFAULT_PRESET = 'page-tiny';

export function preset(name: string): RunConfig | null {
  return PRESETS.find((preset) => preset.name === name)?.config ?? null;
}

/** The preset for a kind of puzzle. */
export function presetOfKind(kind: string): string | null {
  const named = PRESETS.find(
    ({ config }) => familyOf(config.model) === 'puzzles' && config.data.dataset === kind,
  );
  return named?.name ?? null;
}

/**
 * `name`, or the preset nearest to a configuration of another model: in an address a preset
 * decides which model it is.
 */
export function presetFor(config: RunConfig, name: string): string {
  const { variant } = config.model;
  if (preset(name)?.model.variant === variant) return name;
  const far = (other: RunConfig) => differing(config, other).length;
  const [nearest] = PRESETS.filter((each) => each.config.model.variant === variant).sort(
    (a, b) => far(a.config) - far(b.config),
  );
  return nearest?.name ?? name;
}

/** The title of a preset: its description up to the colon. */
export function titleOf(name: string): string {
  return parts(name)?.title ?? name;
}

/** The description of a preset after its title. */
export function aboutOf(name: string): string {
  return parts(name)?.about ?? '';
}

function parts(name: string): { title: string; about: string } | null {
  const description = PRESETS.find((preset) => preset.name === name)?.description;
  if (description === undefined) return null;
  const colon = description.indexOf(': ');
  if (colon < 0) return { title: name, about: description };
  const about = description.slice(colon + 2);
  return {
    title: description.slice(0, colon),
    about: about.charAt(0).toUpperCase() + about.slice(1),
  };
}
