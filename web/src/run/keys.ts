// The keys of an address that no page knows: those that others append, and mistakes.

/** What others append to addresses that are shared. */
const FOREIGN = /^(utm_\w+|\w*clk?id|mc_[ce]id|igsh(id)?|srsltid|_g[al]|ref|source)$/;

export const isForeign = (key: string): boolean => FOREIGN.test(key);

/** A sentence for each key that nothing knows. */
export function unknown(query: URLSearchParams, known: ReadonlySet<string>): string[] {
  const strange = [...query.keys()].filter((key) => !known.has(key) && !isForeign(key));
  return strange.map((key) => `There is no setting “${key}”.`);
}
