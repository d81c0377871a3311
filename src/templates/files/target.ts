/** The files that templates write, and what is known of one before it takes the place of another. */

/** Where a text goes. */
export interface Target {
  /** Absolute. */
  readonly destination: string
  /** Name or number; null: as the file that is there, else of the router's own user. */
  readonly owner: string | null
  readonly group: string | null
  /** Permission bits; null: as the file that is there, else 0644. */
  readonly mode: number | null
  readonly backup: boolean
}

/** A text that is written beside its destination and is on the disk, with owner, group and mode. Plain data: it is kept in the journal. */
export interface StagedFile {
  readonly destination: string
  /** In the same directory. */
  readonly staged: string
  /** SHA-256 of the text, in hexadecimal. */
  readonly digest: string
  readonly backup: boolean
}
