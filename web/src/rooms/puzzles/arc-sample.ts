// Four easy sample tasks in the format of ARC.

import type { ArcPair, ArcTask } from '../../gen';
import { tasksText } from './arc';

/** A grid written as digits, its rows parted by strokes. */
function grid(text: string): number[][] {
  return text.split('/').map((row) => [...row].map(Number));
}

function pairs(written: readonly (readonly [string, string])[]): ArcPair[] {
  return written.map(([input, output]) => ({ input: grid(input), output: grid(output) }));
}

export const SAMPLE: readonly ArcTask[] = [
  {
    name: 'mirror',
    train: pairs([
      ['100/120/003', '001/021/300'],
      ['4400/0500', '0044/0050'],
      ['06/60/66/07', '60/06/66/70'],
    ]),
    test: pairs([
      ['8000/8300/0330', '0008/0038/0330'],
      ['210/002/100', '012/200/001'],
    ]),
  },
  {
    name: 'trade-colours',
    train: pairs([
      ['1120/0210/0001', '2210/0120/0002'],
      ['222/101/222', '111/202/111'],
      ['01/21/20', '02/12/10'],
    ]),
    test: pairs([['0110/2002/0120', '0220/1001/0210']]),
  },
  {
    name: 'fill-the-hole',
    train: pairs([
      ['3330/3030/3330/0000', '3330/3430/3330/0000'],
      ['00000/03333/03003/03333', '00000/03333/03443/03333'],
      ['333/303/303/333', '333/343/343/333'],
    ]),
    test: pairs([['00000/33330/30030/30030/33330', '00000/33330/34430/34430/33330']]),
  },
  {
    name: 'fall-down',
    train: pairs([
      ['060/000/000/555', '000/000/060/555'],
      ['6006/0000/0600/5555', '0000/0000/6606/5555'],
      ['00600/66000/00000/55555', '00000/00000/66600/55555'],
    ]),
    test: pairs([['6000/0060/0000/0000/5555', '0000/0000/0000/6060/5555']]),
  },
];

export const SAMPLE_TEXT: string = tasksText(SAMPLE);
