// The tour of the questions page.

import type { Stop } from '../../ui/tour';

export const TOUR: readonly Stop[] = [
  {
    place: 'base',
    title: 'A pretrained model underneath',
    text: 'The answers are written by SmolLM2-135M, a small language model whose weights stay as they are. It is fetched from this site where it is offered, or opened from a GGUF file, and computes in this tab: what you type is sent nowhere.',
  },
  {
    place: 'ask',
    title: 'LLM-TRM, a recursive model',
    text: 'An LLM-TRM reads the question with the lower layers, compresses it into a few latents, and refines these step by step before the upper layers answer. Open one here, ask it at several depths, and see after which step its answer changes.',
  },
  {
    place: 'chat',
    title: 'The base alone',
    text: 'Here the base model chats without any recursion, to compare. Each turn goes on from what it has read already.',
  },
];
