// The address of the questions page: a model of the site, and the device.

import { unknown } from '../../run/keys';
import { readWish, type Wish, WISH_KEYS } from '../../run/wish';

export interface QuestionsAddress {
  readonly wish: Wish;
  /** Name of a model that comes with the page. */
  readonly checkpoint: string | null;
  readonly handed: boolean;
  readonly problems: readonly string[];
}

const KNOWN: ReadonlySet<string> = new Set(['checkpoint', 'handed', ...WISH_KEYS]);

export function readQuestions(search: string): QuestionsAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const wish = readWish(query, problems);
  const preset = query.get('preset');
  problems.push(
    // Other pages send their visitors here with a preset and its settings.
    ...(preset === null
      ? unknown(query, KNOWN)
      : [
          `Question models are trained with trm-native, so “${preset}” and its settings are ignored here: ` +
            `run “trm-native train ${preset} --base FILE” and drop its checkpoint on this page.`,
        ]),
  );
  return {
    wish,
    checkpoint: query.get('checkpoint'),
    handed: query.get('handed') === '1',
    problems,
  };
}
