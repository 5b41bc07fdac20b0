// A model that was given to the page of another family.

import { SessionError } from '../client/client';
import { type Room, roomOf } from '../rooms/table';
import { familyOf, type Variant } from './models';

export class WrongPage extends SessionError {
  /** The page that it belongs to; `null` where this site has none. */
  readonly room: Room | null;

  constructor(variant: Variant) {
    const room = roomOf(familyOf({ variant }));
    const message = room
      ? `This model ${room.does}, so it belongs in the other room.`
      : 'This site has no page for models of this kind.';
    super({ kind: 'room', message, hint: 'What is at hand here stays as it is.' }, false);
    this.room = room;
  }
}
