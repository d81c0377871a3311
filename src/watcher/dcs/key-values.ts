/** Arbitrary keys of a DCS, for templates: a source besides `Dcs`, which not every kind has. */
import type { RouterError } from '../../errors.ts'

export type KeysObservation =
  /** All keys of the root, after a change or as a confirmation that nothing has changed (then `keys` is the same object). By full name, sorted. */
  | { readonly type: 'keys'; readonly keys: ReadonlyMap<string, string> }
  /** They cannot be read now, or not with certainty. Repeated while that lasts. */
  | { readonly type: 'lost'; readonly error: RouterError }

export interface KeyValueSource {
  /**
   * Observes the key `root` and all below it (`/myapp/db`, `/myapp/db/host`, not `/myapp/dbx`) until `signal` aborts;
   * then it ends, without an error. It tries again by itself, for ever.
   */
  observe(root: string, signal: AbortSignal): AsyncIterable<KeysObservation>
}

/** Returns whether a key is `root`, or below it; an empty root has all below it. */
export function isWithin(root: string, name: string): boolean {
  return root === '' || name === root || name.startsWith(`${root}/`)
}
