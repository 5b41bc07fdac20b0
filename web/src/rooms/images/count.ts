// The number of images in a split, found by asking for single ones.

/** More are not looked for. */
const MOST = 1 << 24;

/** `has`: whether there is an image with this number. */
export async function countOf(has: (index: number) => Promise<boolean>): Promise<number> {
  if (!(await has(0))) return 0;
  let [low, high] = [0, 1];
  while (high < MOST && (await has(high))) [low, high] = [high, 2 * high];
  // There is a number `low`, and none `high`.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle;
    else high = middle;
  }
  return low + 1;
}
