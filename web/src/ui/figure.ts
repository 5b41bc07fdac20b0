// One figure of the training panel.

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly testid?: string;
}
