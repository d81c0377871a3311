/** What of a filter is given. Pure. */

/** Leaves out what is not given. */
export function present<T extends object>(filter: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> }
}
