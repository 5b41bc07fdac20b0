// Where to read on.

export const PAPER = 'https://arxiv.org/abs/2510.04871';
export const CODE = 'https://github.com/SamsungSAILMontreal/TinyRecursiveModels';
/** Lies beside the page. */
export const README = 'README.txt';
