// Addresses of before the start page had a page of its own: a query with settings meant
// the language models.

import { isForeign } from '../run/keys';

/** Where an address with settings goes on; `null` where the visitor stays. */
export function elsewhere(search: string, hash: string, text: string): string | null {
  const keys = [...new URLSearchParams(search).keys()];
  return keys.every(isForeign) ? null : `${text}${search}${hash}`;
}
