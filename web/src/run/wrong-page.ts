// A model that was given to the page of another family.

import { SessionError } from '../client/client';
import type { Family, Variant } from '../gen';
import { type Room, roomOf } from '../rooms/table';

export class WrongPage extends SessionError {
  /** The page that it belongs to; `null` where this site has none. */
  readonly room: Room | null;

  /** `given`: what of this family was given. */
  constructor(family: Family, given = 'checkpoint is') {
    const room = roomOf(family);
    const message = room
      ? `This ${given} ${room.model}, which this page cannot open.`
      : 'This site has no page for checkpoints of this kind.';
    super({ kind: 'family', message, hint: 'Your current run is unchanged.' }, false);
    this.room = room;
  }
}

/** A pretrained decoder: only the questions page opens it, as the base of its models. */
export class PretrainedDecoder extends SessionError {
  constructor(variant: Variant) {
    const message = `This checkpoint is a pretrained decoder (“${variant}”), which this page cannot open.`;
    const hint =
      'Open it on the Questions page or with the command line. Your current run is unchanged.';
    super({ kind: 'family', message, hint }, false);
  }
}
