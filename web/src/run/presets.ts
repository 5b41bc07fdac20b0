// The presets by name, and what people call them.

import { PRESETS, type RunConfig } from '../gen';

export const DEFAULT_PRESET = 'page-tiny';

export function preset(name: string): RunConfig | null {
  return PRESETS.find((preset) => preset.name === name)?.config ?? null;
}

/** The preset that learns a kind of puzzle. */
export function presetOfKind(kind: string): string | null {
  const named = PRESETS.find(
    ({ config }) => config.model.variant === 'trm' && config.data.dataset === kind,
  );
  return named?.name ?? null;
}

/** What people call a preset: its description begins with that, before a colon. */
export function titleOf(name: string): string {
  return parts(name)?.title ?? name;
}

/** What a preset is, beyond its title. */
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
