// The tour of the questions page.

import type { Stop } from '../../ui/tour';

export const TOUR: readonly Stop[] = [
  {
    place: 'base',
    title: 'A pretrained model underneath',
    text: 'The answers are written by SmolLM2-135M, a small language model with frozen weights. It is downloaded from this site if available, or opened from a GGUF file. It runs in this tab; what you type is not sent anywhere.',
  },
  {
    place: 'ask',
    title: 'LLM-TRM, a recursive model',
    text: 'An LLM-TRM reads the question with the lower layers, compresses it into a few latents, and refines these step by step before the upper layers answer. Open one here, ask it at several depths, and see after which step its answer changes.',
  },
  {
    place: 'chat',
    title: 'The base alone',
    text: 'For comparison, the base model chats without recursion. Each turn reuses the key-value cache of the earlier ones.',
  },
];
