// The title of the tab.

import type { Phase } from '../run/state';

const NAME = 'TRM Playground';

/** `own`: whether this run was trained here, so that its end is worth showing. */
export function pageTitle(phase: Phase, step: number, total: number, own: boolean): string {
  const at = (n: number) => n.toLocaleString('en-US');
  switch (phase) {
    case 'training':
      return `Training, step ${at(step)} of ${at(total)} · ${NAME}`;
    case 'done':
      return own ? `Trained, ${at(step)} steps · ${NAME}` : NAME;
    case 'broken':
      return `Stopped · ${NAME}`;
    case 'opening':
    case 'paused':
      return NAME;
    default:
      return phase satisfies never;
  }
}
