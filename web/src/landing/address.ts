// Addresses of before the start page had a page of its own: a query with settings meant
// the language models.

/** What others append to addresses that are shared. */
const FOREIGN = /^(utm_\w+|\w*clid|ref|source)$/;

/** Where an address with settings goes on; `null` where the visitor stays. */
export function elsewhere(search: string, hash: string, text: string): string | null {
  const keys = [...new URLSearchParams(search).keys()];
  return keys.some((key) => !FOREIGN.test(key)) ? `${text}${search}${hash}` : null;
}
