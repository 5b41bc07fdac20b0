// The site that a story runs against.

/** Where the site is served; the address of the start page is `url`. */
export interface Site {
  origin: string;
  /** The sub-path, with a slash at both ends. */
  path: string;
  url: string;
  /** The room of language models. */
  text: string;
}
