/** Which database the sources of a cluster belong to: a scope may be used twice, an address again. Pure. */

/** What one source has shown of its database. */
export interface Shown {
  readonly asked: boolean
  /** The system identifier in its last answer; null: it has none, or it has not answered. */
  readonly now: string | null
  /** The one it has shown last, whether it answers or not. */
  readonly last: string | null
}

export type Identity =
  | { readonly kind: 'known'; readonly systemId: string }
  /** All have been queried, and none has a database yet. */
  | { readonly kind: 'none' }
  /** Some are still to be asked. */
  | { readonly kind: 'unsettled' }
  /** They belong to several clusters of the same scope, and nothing says which one is meant. */
  | { readonly kind: 'conflict'; readonly systemIds: readonly string[] }

/**
 * Returns the system identifier that counts. A known one is kept until no source shows it any more while more than half
 * of all sources, silent ones included, show one other: the cluster was created again. At the start, too, more than
 * half are enough; else all have to be queried, and those that have ever answered have to agree.
 */
export function identify(known: string | null, sources: readonly Shown[]): Identity {
  const present = sources.flatMap(({ now }) => now ?? [])
  if (known !== null && present.includes(known)) return { kind: 'known', systemId: known }
  const most = present.find((id) => present.filter((other) => other === id).length * 2 > sources.length)
  const systemId = most ?? known
  if (systemId !== null) return { kind: 'known', systemId }
  if (sources.some(({ asked }) => !asked)) return { kind: 'unsettled' }
  const [first, ...others] = new Set(sources.flatMap(({ last }) => last ?? []))
  if (first === undefined) return { kind: 'none' }
  return others.length === 0 ? { kind: 'known', systemId: first } : { kind: 'conflict', systemIds: [first, ...others] }
}
