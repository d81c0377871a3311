/**
 * Looks around in etcd beside a cluster's own keys: which others there are, and groups of Citus that no configured
 * cluster follows.
 */
import { now } from '../../../clock.ts'
import type { ClusterConfig, DcsConfig } from '../../../config/config.ts'
import type { DcsNotice } from '../dcs.ts'
import type { EtcdConnection } from './connection.ts'
import {
  aboutEtcd,
  aboutNamespace,
  aboutScope,
  type Found,
  placesOf,
  type ScopePlace,
  unfollowedGroups,
} from '../scopes.ts'
import { isEtcd3 } from './section.ts'

/**
 * Returns the Citus groups of its scope that are configured, if it is the first of these and so the one that reports
 * others. A configuration with a single group, such as a `patroni.yml`, wants no other.
 */
export function followedGroups(config: ClusterConfig, clusters: readonly ClusterConfig[]): readonly number[] {
  const isFlat = clusters.length < 2 && config.name === config.scope
  const inScope = clusters.filter(
    ({ scope, namespace, citusGroup, dcs }) =>
      scope === config.scope && namespace === config.namespace && citusGroup !== null && isSameEtcd(dcs, config.dcs),
  )
  return isFlat || inScope[0] !== config ? [] : inScope.flatMap(({ citusGroup }) => citusGroup ?? [])
}

function isSameEtcd(one: DcsConfig, other: DcsConfig): boolean {
  return isEtcd3(one) && isEtcd3(other) && one.endpoints.some((endpoint) => other.endpoints.includes(endpoint))
}

export interface SurveyOptions {
  /** `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  readonly place: ScopePlace
  /** The Citus groups of the scope that are observed; empty: it does not matter whether there are others. */
  readonly followed: readonly number[]
  /** How often. Milliseconds. */
  readonly everyMs: number
}

/** Keys a question, and questions for one look: what others keep there can be as much as etcd holds. */
const PAGE = 500
const MAX_PAGES = 20

/** So many groups are reported one by one. */
const MAX_GROUPS = 20

export class EtcdSurvey {
  readonly #options: SurveyOptions
  #missing: DcsNotice | null = null
  #groups: readonly DcsNotice[] = []
  #told: readonly DcsNotice[] = []
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null

  /** Asks nothing yet. */
  constructor(options: SurveyOptions) {
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

  /** Looks again if it is time. Never rejects. */
  look(connection: EtcdConnection, isEmpty: boolean): Promise<void> {
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

  async #lookOnce(connection: EtcdConnection, isEmpty: boolean): Promise<void> {
    const { place, followed } = this.#options
    const namespace = place.namespace === '' ? '/' : `/${place.namespace}/`
    const own = await findPlaces(connection, `${namespace}${place.scope}/`, place.namespace)
    if (followed.length > 0) {
      const others = unfollowedGroups(place, followed, own)
      this.#groups = others.slice(0, MAX_GROUPS).map((group) => this.#groupNotice(group))
    }
    if (!isEmpty) return
    let message = aboutScope(place, own)
    if (message === null) {
      const others = await findPlaces(connection, namespace, place.namespace)
      message = aboutNamespace(place, others)
      if (message === null && others.isAll) message = aboutEtcd(place, await findPlaces(connection, '/', null))
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

/**
 * Finds the clusters below a path that ends with a slash. Of a scope that has a whole page of keys the first ones tell
 * whether it is one; where the namespace is not known, a page of keys can be one with many scopes.
 */
async function findPlaces(connection: EtcdConnection, below: string, namespace: string | null): Promise<Found> {
  const keys: string[] = []
  const paths = [below]
  let isAll = true
  let pages = 0
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const childOf = (key = ''): string => key.slice(path.length).split('/', 1)[0] ?? ''
    for (let from: string | null = path; from !== null;) {
      if (++pages > MAX_PAGES) return { places: placesOf(keys, namespace), isAll: false }
      const { names, more } = await connection.names(from, `${path.slice(0, -1)}0`, PAGE)
      keys.push(...names)
      const last = childOf(names.at(-1))
      const isFull = more && childOf(names[0]) === last
      if (isFull && namespace === null) {
        if (path === below) paths.push(`${path}${last}/`)
        else isAll = false
      }
      from = more ? `${path}${last}${isFull ? '0' : '/'}` : null
    }
  }
  return { places: placesOf(keys, namespace), isAll }
}
