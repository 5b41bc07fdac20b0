// The pages of this site: one entry for each family of models that has a page. The
// header, the worker's loader, the hand-over of files, Vite and `scripts/` read it. The
// folder beside this file that is called like the family holds the page's code, which
// starts in `main.ts`; Vite makes its HTML from `web/index.html`.

import type { Family } from '../run/models';

export interface Room {
  readonly family: Family;
  /** Address of the page, relative to any other page; `./` is the start page. */
  readonly path: string;
  /** Folder of the WebAssembly module that computes on the CPU. */
  readonly wasm: string;
  /** IndexedDB database of the runs that are saved here. */
  readonly database: string;
  /** What the page is called in the navigation. */
  readonly title: string;
  /** What its models do, after "This model". */
  readonly does: string;
  /** The link to the page for a file that belongs to it. */
  readonly open: string;
  /** Of the HTML: its title, its description and what it says until the code has loaded. */
  readonly html: { readonly title: string; readonly description: string; readonly intro: string };
}

// `scripts/lib/rooms.mjs` reads the list as text: literals only.
export const ROOMS: readonly Room[] = [
  {
    family: 'language',
    path: './',
    wasm: 'cpu',
    database: 'trm-playground',
    title: 'Language',
    does: 'writes text',
    open: 'Open it where language models are',
    html: {
      title: 'TRM Playground',
      description:
        'Train a small recursive language model live in your browser and watch every cycle refine its answer.',
      intro: 'A tiny recursive model that learns and writes in a browser tab.',
    },
  },
  {
    family: 'puzzles',
    path: 'puzzles.html',
    wasm: 'cpu-puzzles',
    database: 'trm-puzzles',
    title: 'Puzzles',
    does: 'solves puzzles',
    open: 'Open it in the puzzle room',
    html: {
      title: 'TRM Playground: puzzles',
      description:
        'Watch a tiny recursive model solve Sudoku and mazes step by step in your browser, and train one live.',
      intro: 'A tiny recursive model that learns to solve puzzles in a browser tab.',
    },
  },
];

/** The page of a family; `null` where this site has none. */
export function roomOf(family: Family): Room | null {
  return ROOMS.find((room) => room.family === family) ?? null;
}
