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
  /** The file itself, where the destination is a link; else the same. */
  readonly path: string
  /** In the directory of `path`. */
  readonly staged: string
  /** SHA-256 of the text, in hexadecimal. */
  readonly digest: string
  readonly backup: boolean
  /** As the file is to be; a staged one that takes no other's place (a mount point is written in place) may lack the owner. */
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** What makes a destination differ from what it should be; the first that applies. */
export type Difference = 'same' | 'missing' | 'content' | 'owner' | 'mode'

export interface CommitOutcome {
  /** Destinations that could only be written in place, as they are mount points: not atomic. */
  readonly inPlace: readonly string[]
  /** Those that have another owner or mode than they were to have, as it cannot be changed. */
  readonly ownerKept: readonly string[]
  /** What went wrong and kept no file from being replaced. Each fit to be shown. */
  readonly warnings: readonly string[]
}

export interface Recovery {
  /** A reload that was due is due still, or one for the files that have been put in place now. */
  readonly reloadDue: boolean
  /** What became of a commit that was interrupted. */
  readonly commit: 'none' | 'completed' | 'undone'
  readonly warnings: readonly string[]
}
