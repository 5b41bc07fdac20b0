// Points in time in words.

/** The time of day, and the day if it was another. */
export function time(at: number, now = new Date()): string {
  const when = new Date(at);
  return when.toDateString() === now.toDateString()
    ? when.toLocaleTimeString([], { timeStyle: 'short' })
    : when.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
