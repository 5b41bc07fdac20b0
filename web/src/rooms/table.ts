// The pages of this site: one room for each family of models that has a page, and the
// pages beside them. The header, the worker's loader, the hand-over of files, Vite and
// `scripts/` read it. The folder beside this file that is called like the family holds the
// room's code, which starts in `main.ts`; Vite makes all HTML from `web/index.html`.

import type { Family } from '../gen';

/** Of the HTML: its title, its description and what it says until the code has loaded. */
export interface PageText {
  readonly title: string;
  readonly description: string;
  readonly intro: string;
}

/** Folders of the WebAssembly modules that compute on the CPU and on WebGPU. */
export interface Modules {
  readonly cpu: string;
  readonly gpu: string;
}

export interface Room {
  readonly family: Family;
  /** Address of the page, relative to any other page. */
  readonly path: string;
  readonly modules: Modules;
  /** IndexedDB database of the runs that are saved here. */
  readonly database: string;
  /** What the page is called in the navigation. */
  readonly title: string;
  /** What its models are, after "This checkpoint is". */
  readonly model: string;
  /** The link to the page for a file that belongs to it. */
  readonly open: string;
  readonly html: PageText;
}

/** A page of the site. */
export interface SitePage {
  readonly path: string;
  /** Its code, in `web/src`. */
  readonly main: string;
  readonly html: PageText;
}

// `scripts/lib/rooms.mjs` reads the list as text: literals only.
export const ROOMS: readonly Room[] = [
  {
    family: 'language',
    path: 'language.html',
    modules: { cpu: 'cpu', gpu: 'gpu' },
    database: 'trm-playground',
    title: 'Text',
    model: 'a language model',
    open: 'Open it on the Text page',
    html: {
      title: 'Text · TRM Playground',
      description:
        'Train a tiny recursive language model in your browser and watch it revise each guess, pass by pass.',
      intro: 'A tiny neural network that learns to write, in your browser.',
    },
  },
  {
    family: 'puzzles',
    path: 'puzzles.html',
    modules: { cpu: 'cpu-puzzles', gpu: 'gpu' },
    database: 'trm-puzzles',
    title: 'Puzzles',
    model: 'a puzzle solver',
    open: 'Open it on the Puzzles page',
    html: {
      title: 'Puzzles · TRM Playground',
      description:
        'Watch a tiny recursive model solve Sudoku, mazes and ARC tasks step by step in your browser, and train one yourself.',
      intro: 'A tiny neural network that learns to solve puzzles, in your browser.',
    },
  },
  {
    family: 'images',
    path: 'images.html',
    modules: { cpu: 'cpu-images', gpu: 'gpu' },
    database: 'trm-images',
    title: 'Images',
    model: 'an image classifier',
    open: 'Open it on the Images page',
    html: {
      title: 'Images · TRM Playground',
      description:
        'Draw a digit and watch a tiny recursive vision model revise its guess step by step in your browser, and train one yourself.',
      intro: 'A tiny neural network that learns to recognise images, in your browser.',
    },
  },
  {
    family: 'questions',
    path: 'questions.html',
    modules: { cpu: 'cpu-questions', gpu: 'gpu-questions' },
    database: 'trm-questions',
    title: 'Questions',
    model: 'a question model',
    open: 'Open it on the Questions page',
    html: {
      title: 'Questions · TRM Playground',
      description:
        'Ask a small language model in your browser, and watch a recursive model change its answer from one supervision step to the next.',
      intro: 'A small language model with recursive steps before its answer, in your browser.',
    },
  },
];

/** The start page, which shows a part of the rooms. */
export const LANDING: SitePage = {
  path: './',
  main: 'landing/main.ts',
  html: {
    title: 'TRM Playground: a tiny network that revises its answer',
    description:
      'Watch a tiny neural network solve a hard Sudoku and write Shakespeare in your browser, pass by pass, and train one yourself.',
    intro:
      'Live in your browser: the same few layers run again and again, and revise the answer each time.',
  },
};

/** A demonstration of its own. */
export const LEAK: SitePage = {
  path: 'leak.html',
  main: 'rooms/language/leak.ts',
  html: {
    title: 'A data leak · TRM Playground',
    description:
      'Train a model with a label leak in your browser and watch why its score of 1.01 perplexity means nothing.',
    intro: 'Why a perplexity of 1.01 was an illusion.',
  },
};

/** All pages. */
export const PAGES: readonly SitePage[] = [
  LANDING,
  LEAK,
  ...ROOMS.map(({ family, path, html }) => ({ path, main: `rooms/${family}/main.ts`, html })),
];

/** The modules of a family's page. */
export function modulesOf(family: Family): Modules {
  const room = roomOf(family);
  if (!room) throw new Error(`the family ${family} has no page`);
  return room.modules;
}

/** The page of a family; `null` where this site has none. */
export function roomOf(family: Family): Room | null {
  return ROOMS.find((room) => room.family === family) ?? null;
}
