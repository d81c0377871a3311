/**
 * Looks around in a DCS beside a cluster's own keys: which others there are, and groups of Citus that no configured
 * cluster follows.
 */
import { now, within } from '../../clock.ts'
import type { ClusterConfig, DcsConfig } from '../../config/config.ts'
import type { DcsNotice } from './dcs.ts'
import { aboutDcs, aboutNamespace, aboutScope, type Found, type ScopePlace, unfollowedGroups } from './scopes.ts'

/** Returns where a cluster is, and which groups of its scope `clusters` follow. `isSame`: two configurations lead to one DCS. */
export function surroundingsOf(
  cluster: ClusterConfig,
  clusters: readonly ClusterConfig[],
  isSame: (one: DcsConfig, other: DcsConfig) => boolean,
): Surroundings {
  const { namespace, scope, citusGroup: group } = cluster
  return { place: { namespace, scope, group }, followed: followedGroups(cluster, clusters, isSame) }
}

/**
 * Returns the Citus groups of its scope that are configured, if it is the first of these and so the one that reports
 * others. A configuration with a single group, such as a `patroni.yml`, wants no other.
 */
export function followedGroups(
  config: ClusterConfig,
  clusters: readonly ClusterConfig[],
  isSame: (one: DcsConfig, other: DcsConfig) => boolean,
): readonly number[] {
  const isFlat = clusters.length < 2 && config.name === config.scope
  const inScope = clusters.filter(
    ({ scope, namespace, citusGroup, dcs }) =>
      scope === config.scope && namespace === config.namespace && citusGroup !== null && isSame(dcs, config.dcs),
  )
  return isFlat || inScope[0] !== config ? [] : inScope.flatMap(({ citusGroup }) => citusGroup ?? [])
}

/**
 * Finds the clusters below a path that ends with a slash, at little cost to the DCS. `namespace`: where they are known to
 * be; null: anywhere.
 */
export type FindPlaces<C> = (connection: C, below: string, namespace: string | null) => Promise<Found>

/** Where a cluster is looked for, and which groups of it are observed. */
export type Surroundings = Pick<SurveyOptions<never>, 'place' | 'followed'>

/** What is particular to a kind of DCS. */
export type SurveyKind<C> = Pick<SurveyOptions<C>, 'name' | 'hint' | 'find' | 'missing'>

export interface SurveyOptions<C> {
  /** What people call the DCS, and what may be wrong where it has no cluster at all. */
  readonly name: string
  readonly hint: string
  readonly find: FindPlaces<C>
  /** Says what there is instead of the cluster; null: nothing can be said. Left out: the names that `find` gives say it. */
  readonly missing?: (connection: C) => Promise<string | null>
  /** `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  readonly place: ScopePlace
  /** The Citus groups of the scope that are observed; empty: it does not matter whether there are others. */
  readonly followed: readonly number[]
  /** How often. Milliseconds. */
  readonly everyMs: number
}

/** So many intervals are between two looks. */
export const LOOK_EVERY = 5

/** How long the first word of a cluster without keys may be delayed by the look at what there is instead. Milliseconds. */
const PREPARE_MS = 500

/** So many groups are reported one by one. */
const MAX_GROUPS = 20

export class Survey<C> {
  readonly #options: SurveyOptions<C>
  #missing: DcsNotice | null = null
  #groups: readonly DcsNotice[] = []
  #told: readonly DcsNotice[] = []
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null

  /** Asks nothing yet. */
  constructor(options: SurveyOptions<C>) {
    this.#options = options
  }

  /** Returns the notices that were handed over last. */
  get told(): readonly DcsNotice[] {
    return this.#told
  }

  /** Returns the last findings as notices; `isEmpty`: the configured cluster has no keys now. */
  tell(isEmpty: boolean): readonly DcsNotice[] {
    this.#told = isEmpty && this.#missing !== null ? [this.#missing, ...this.#groups] : this.#groups
    return this.#told
  }

  /** Looks where a cluster has no keys, before that is reported, for a moment at most. Never rejects. */
  async prepare(connection: C, isEmpty: boolean, closed: AbortSignal): Promise<void> {
    if (isEmpty) await within(this.look(connection, true), PREPARE_MS, closed)
  }

  /** Looks again if it is time. Never rejects. */
  look(connection: C, isEmpty: boolean): Promise<void> {
    const { followed, everyMs } = this.#options
    if ((!isEmpty && followed.length === 0) || now() - this.#lookedAt < everyMs) return Promise.resolve()
    this.#looking ??= this.#lookOnce(connection, isEmpty)
      // What may not be read, or cannot, is no news: rights for the cluster's own keys are enough for all else.
      .catch(() => undefined)
      .finally(() => {
        this.#lookedAt = now()
        this.#looking = null
      })
    return this.#looking
  }

  async #lookOnce(connection: C, isEmpty: boolean): Promise<void> {
    const { name, hint, find, place, followed } = this.#options
    const namespace = place.namespace === '' ? '/' : `/${place.namespace}/`
    const own = await find(connection, `${namespace}${place.scope}/`, place.namespace)
    if (followed.length > 0) {
      const others = unfollowedGroups(place, followed, own)
      this.#groups = others.slice(0, MAX_GROUPS).map((group) => this.#groupNotice(group))
    }
    if (!isEmpty) return
    const { missing } = this.#options
    let message = missing === undefined ? aboutScope(place, own) : await missing(connection)
    if (message === null && missing === undefined) {
      const others = await find(connection, namespace, place.namespace)
      message = aboutNamespace(name, place, others)
      if (message === null && others.isAll) message = aboutDcs(name, hint, place, await find(connection, '/', null))
    }
    this.#missing = message === null ? null : this.#missingNotice(message)
  }

  #missingNotice(message: string): DcsNotice {
    const { prefix } = this.#options
    return { event: 'no-cluster', subject: prefix, message, over: `there is a cluster below ${prefix} now` }
  }

  #groupNotice(group: number): DcsNotice {
    const { namespace, scope } = this.#options.place
    const what = `Citus group ${group} of scope ${scope}`
    return {
      event: 'group-not-followed',
      subject: `/${[namespace, scope, group].filter((part) => part !== '').join('/')}/`,
      message: `${what} is in the DCS, and no configured cluster follows it`,
      over: `${what} is no longer in the DCS`,
    }
  }
}
