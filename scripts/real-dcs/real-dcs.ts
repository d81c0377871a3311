/** A DCS, or a version of one, that Debian 12 has no package of: `npm test` runs a fake of it, or another version. */
export interface RealDcs {
  /** As on the command line. */
  readonly name: string
  /** What names the program to the tests. */
  readonly variable: string
  /** The files to run, as patterns. */
  readonly tests: readonly string[]
  /** Patterns of those that have its name for another reason. */
  readonly except?: readonly string[]
  /** Brings the program into the cache. @throws when that fails. */
  readonly bring: (cache: string) => Brought
}

export interface Brought {
  readonly program: string
  /** Version and checksum, for people. */
  readonly origin: string
}
