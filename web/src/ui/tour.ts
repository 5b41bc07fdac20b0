// A tour of a page: each stop sets the controls and explains what they show.

export interface Stop {
  /** The section of the page, by element id. */
  readonly place: string;
  readonly title: string;
  readonly text: string;
}
