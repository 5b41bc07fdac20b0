// Shared by all drawings: colours by the name of their custom property.

export type Colour = (name: string) => string;

export type Paint = (
  ctx: CanvasRenderingContext2D,
  width: number,
  height: number,
  colour: Colour,
) => void;

/** Above this share, letters are light on a strong ground; below, dark on a weak one. */
export const STRONG = 0.68;

/** How strong the ground is for a share: never so that neither letter could be read. */
export function shade(share: number): number {
  const s = Math.min(1, Math.max(0, share));
  return s > STRONG ? 0.78 + (0.22 * (s - STRONG)) / (1 - STRONG) : (0.62 * s) / STRONG;
}
