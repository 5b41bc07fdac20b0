// The title of the tab.

import { many } from '../run/format';
import type { Phase } from '../run/state';

/** `page`: the title of the page. `own`: whether the run was trained here, so that its end is worth showing. */
export function pageTitle(
  page: string,
  phase: Phase,
  step: number,
  total: number,
  own: boolean,
): string {
  const at = (n: number) => n.toLocaleString('en-US');
  switch (phase) {
    case 'training':
      return `Training, step ${at(step)} of ${at(total)} · ${page}`;
    case 'done':
      return own ? `Trained, ${many(step, 'step')} · ${page}` : page;
    case 'broken':
      return `Stopped · ${page}`;
    case 'opening':
    case 'paused':
      return page;
    default:
      return phase satisfies never;
  }
}
