/** What an act is about: clusters, their listeners and members, found by the names that a person gives. */
import type { SessionFilter } from '../admin/acts.ts'
import type { ClusterConfig } from '../config/config.ts'
import { RouterError } from '../errors.ts'
import type { Proxy } from '../proxy/proxy.ts'
import { normalizedClient } from '../proxy/session-list.ts'
import type { ClusterView } from '../watcher/view.ts'

/** What of a cluster can be acted upon. */
export interface ActingCluster {
  readonly config: Pick<ClusterConfig, 'name'> & {
    readonly proxy: {
      readonly listeners: readonly { readonly name: string }[]
      readonly hold: { readonly timeoutMs: number }
    }
  }
  readonly view: Pick<ClusterView, 'members' | 'primary'>
  readonly proxy: Pick<Proxy, 'status' | 'sessions' | 'closeSessions' | 'limit'>
}

export class ActTargets {
  readonly #clusters: () => readonly ActingCluster[]

  /** `clusters`: returns those that are configured. */
  constructor(clusters: () => readonly ActingCluster[]) {
    this.#clusters = clusters
  }

  /** Returns a cluster by its name; null: the only one. Throws ACT_REFUSED. */
  cluster(name: string | null): ActingCluster {
    const all = this.#clusters()
    const names = all.map(({ config }) => config.name).join(', ')
    if (name === null && all.length > 1) throw refused(`there are several clusters: name one of ${names}`)
    const found = name === null ? all[0] : all.find(({ config }) => config.name === name)
    if (found === undefined) throw refused(`there is no cluster ${name ?? ''}: there is ${names || 'none'}`)
    return found
  }

  /** Returns the listeners that are meant; `listener` null: all of the cluster. Throws ACT_REFUSED. */
  listeners(where: { readonly cluster: string | null; readonly listener: string | null }): {
    readonly cluster: ActingCluster
    readonly listeners: readonly string[]
  } {
    const cluster = this.cluster(where.cluster)
    const { listener } = where
    const names = listenersOf(cluster)
    if (listener !== null) requireOneOf(listener, names, `listener ${listener}`, this.in(cluster))
    if (names.length === 0) throw refused(`there is no listener${this.in(cluster)}: its proxy is off`)
    return { cluster, listeners: listener === null ? names : [listener] }
  }

  /** Throws ACT_REFUSED where the cluster has no such member. */
  requireMember(cluster: ActingCluster, member: string): void {
    requireOneOf(member, membersOf(cluster), `member ${member}`, this.in(cluster))
  }

  /** Returns whose sessions are meant. Throws ACT_REFUSED where there is no such cluster, listener or member, nor can be such a client. */
  matching({ cluster, ...rest }: SessionFilter): {
    readonly clusters: readonly ActingCluster[]
    readonly rest: Omit<SessionFilter, 'cluster'>
  } {
    const clusters = cluster === undefined ? this.#clusters() : [this.cluster(cluster)]
    const { listener, member, client } = rest
    if (client !== undefined && normalizedClient(client) === null)
      throw refused('a client is an IP address without port, or the path of a Unix socket')
    const [only] = clusters
    const place = clusters.length === 1 && only !== undefined ? this.in(only) : ''
    if (listener !== undefined)
      requireOneOf(listener, clusters.flatMap(listenersWithSessionsOf), `listener ${listener}`, place)
    if (member !== undefined) requireOneOf(member, clusters.flatMap(membersWithSessionsOf), `member ${member}`, place)
    return { clusters, rest }
  }

  /** Returns ` in NAME` where there are several clusters, for a text. */
  in({ config: { name } }: ActingCluster): string {
    return this.#clusters().length > 1 ? ` in ${name}` : ''
  }

  /** Returns ` of NAME` where there are several. */
  of({ config: { name } }: ActingCluster): string {
    return this.#clusters().length > 1 ? ` of ${name}` : ''
  }
}

function membersOf({ view }: ActingCluster): readonly string[] {
  return view.members.map(({ name }) => name)
}

/** Returns the members too that are gone but for their sessions. */
function membersWithSessionsOf(cluster: ActingCluster): readonly string[] {
  return [...membersOf(cluster), ...cluster.proxy.status().sessions.map(({ member }) => member)]
}

function listenersOf({ config }: ActingCluster): readonly string[] {
  return config.proxy.listeners.map(({ name }) => name)
}

/** Returns the listeners too that are removed but for their sessions. */
function listenersWithSessionsOf(cluster: ActingCluster): readonly string[] {
  return [...listenersOf(cluster), ...cluster.proxy.status().sessions.map(({ listener }) => listener)]
}

/** Throws ACT_REFUSED where a member or a listener of that name is meant, and several clusters have one. */
export function requireOneCluster({ member, listener }: SessionFilter, clusters: readonly ActingCluster[]): void {
  if (member === undefined && listener === undefined) return
  const having = clusters.filter(
    (cluster) =>
      (member === undefined || membersWithSessionsOf(cluster).includes(member)) &&
      (listener === undefined || listenersWithSessionsOf(cluster).includes(listener)),
  )
  if (having.length < 2) return
  const what = member === undefined ? `listener ${listener ?? ''}` : `member ${member}`
  throw refused(`several clusters have ${what}: name one of ${having.map(({ config }) => config.name).join(', ')}`)
}

function requireOneOf(name: string, names: readonly string[], what: string, place: string): void {
  if (names.includes(name)) return
  const others = [...new Set(names)].join(', ') || 'none'
  throw refused(`there is no ${what}${place}: there is ${others}`)
}

/** Returns the error of an act that cannot be done. */
export function refused(message: string): RouterError {
  return new RouterError('ACT_REFUSED', message)
}
