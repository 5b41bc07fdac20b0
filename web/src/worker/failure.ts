// Failures that the worker throws.

import type { Failure, FailureKind } from '../gen';

/** A failure as an exception. */
export class EngineFailure extends Error implements Failure {
  readonly kind: FailureKind;
  readonly hint: string;

  constructor({ kind, message, hint }: Failure) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}
