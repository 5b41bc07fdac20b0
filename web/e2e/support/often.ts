/**
 * For `expect.poll`: how often it looks, in milliseconds. By itself it looks once a second
 * after the first second, and other assertions twice a second.
 */
export const OFTEN = { intervals: [50, 100] };
