/** Finds Patroni clusters by names, level by level, where a DCS has no list of all names. */
import { type Found, placesOf } from './scopes.ts'

/** What is right below a path, by full name: keys, and what may have others below it. */
export interface Level {
  readonly names: readonly string[]
  readonly directories: readonly string[]
}

/** Directories for one look, and levels of them below where it begins. */
const MAX_DIRECTORIES = 60
const MAX_DEPTH = 4

/** What has nothing but keys of one cluster below it. */
const CLOSED = /\/(?:members|optime)$/

/** Finds the clusters below a path that ends with a slash; see `FindPlaces`. */
export async function findByLevels(
  connection: { children(path: string): Promise<Level> },
  below: string,
  namespace: string | null,
): Promise<Found> {
  const keys: string[] = []
  const pending = [{ path: below.replace(/\/$/, ''), depth: 0 }]
  for (let looked = 0, next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (++looked > MAX_DIRECTORIES) return { places: placesOf(keys, namespace), isAll: false }
    const { names, directories } = await connection.children(next.path)
    keys.push(...names)
    const { depth } = next
    if (depth < MAX_DEPTH)
      pending.push(...directories.filter((path) => !CLOSED.test(path)).map((path) => ({ path, depth: depth + 1 })))
  }
  return { places: placesOf(keys, namespace), isAll: true }
}
