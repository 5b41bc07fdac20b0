// The base models that this site has, where its host has put them (`scripts/bases.mjs`).

import type { Expected } from '../../run/download';

export interface SiteBase extends Expected {
  readonly title: string;
  /** Beside the list. */
  readonly file: string;
}

const FORMAT = 'trm-bases/1';
/** A plain name: a list cannot send the page elsewhere. */
const FILE = /^[\w-][\w.-]*\.gguf$/;
/** The base of the question models that come with the page, as `scripts/datasets.mjs` fetches it. */
export const USUAL = {
  title: 'SmolLM2-135M-Instruct',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  size: '98 MB',
} as const;
/** Larger ones do not fit into a tab. */
export const LARGEST = 300e6;

/** Where a base lies. */
export function besidePage(base: string, file: string): URL {
  return new URL(`bases/${file}`, base);
}

/** The first base of the site's list; `null` where it has none. */
export async function siteBase(base: string): Promise<SiteBase | null> {
  try {
    const response = await fetch(besidePage(base, 'manifest.json'));
    return response.ok ? readSiteBase(await response.json()) : null;
  } catch {
    return null;
  }
}

/** `null` where the list is none of this site. */
export function readSiteBase(document: unknown): SiteBase | null {
  const { format, bases } = fields(document);
  if (format !== FORMAT || !Array.isArray(bases)) return null;
  const { title, file, bytes, sha256 } = fields(bases[0]);
  if (typeof title !== 'string' || typeof file !== 'string' || !FILE.test(file)) return null;
  if (typeof bytes !== 'number' || !(bytes > 0 && bytes <= LARGEST)) return null;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  return { title, file, bytes, sha256 };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}
