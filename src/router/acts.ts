/** What a person can have the running router do: overrides of members, holds, sessions, limits. */
import type { Acts, SessionFilter } from '../admin/acts.ts'
import { now } from '../clock.ts'
import type { ClusterConfig } from '../config/config.ts'
import { RouterError } from '../errors.ts'
import { MAX_HOLD_MS, type OverrideState, OVERRIDE_WORDS } from '../override.ts'
import type { Kept, OverrideStore } from '../overrides/override-store.ts'
import type { Proxy } from '../proxy/proxy.ts'
import { normalizedClient } from '../proxy/session-list.ts'
import type { SessionStatus } from '../proxy/status.ts'
import { type Log, logLines } from '../text/log-line.ts'
import { counted, instant } from '../text/wording.ts'
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

export interface RouterActsDeps {
  /** Returns the configured clusters. */
  readonly clusters: () => readonly ActingCluster[]
  readonly overrides: OverrideStore
  /** Returns the log of a cluster. */
  readonly logOf: (cluster: string) => Log
}

/** Of a hold by request, unless the user says otherwise. Milliseconds. */
const HOLD_MS = 5 * 60_000

export class RouterActs implements Acts {
  readonly #deps: RouterActsDeps

  constructor(deps: RouterActsDeps) {
    this.#deps = deps
  }

  async setMember(
    where: { readonly cluster: string | null; readonly member: string },
    state: OverrideState | 'ready',
    forMs: number | null,
    by: string,
  ): Promise<string> {
    const cluster = this.#cluster(where.cluster)
    const { name } = cluster.config
    const { member } = where
    const { overrides } = this.#deps
    const present = overrides.of(name).members.get(member) ?? null
    // A member that has left the cluster may still have an override, which comes back with it.
    if (present === null) requireOneOf(member, membersOf(cluster), `member ${member}`, this.#in(cluster))
    if (state === 'ready') {
      if (forMs !== null) throw refused('ready takes no duration: it ends the override')
      const kept = await overrides.endMember(name, member, by)
      const was = present === null ? 'it had no override' : `it is no longer ${OVERRIDE_WORDS[present.state]}`
      return `member ${member}${this.#of(cluster)}: ready, ${was}${endKeptText(kept)}`
    }
    if (forMs !== null && forMs <= 0) throw refused('a duration is longer than 0')
    const kept = await overrides.setMember(name, member, { state, forMs, by })
    const until = overrides.of(name).members.get(member)?.until ?? null
    const word = `${OVERRIDE_WORDS[state]}${until === null ? '' : ` until ${instant(until)}`}`
    return `member ${member}${this.#of(cluster)}: ${word}, ${effectOn(member, cluster)}${keptText(kept)}`
  }

  async hold(
    where: { readonly cluster: string | null; readonly listener: string | null },
    forMs: number | null,
    by: string,
  ): Promise<string> {
    const { cluster, listeners } = this.#listeners(where)
    const ms = forMs ?? HOLD_MS
    if (ms <= 0) throw refused('a duration is longer than 0')
    if (ms > MAX_HOLD_MS) throw refused('a hold lasts 1h at most')
    const kept = await this.#deps.overrides.hold(cluster.config.name, listeners, ms, by)
    return `${listed(listeners)}${this.#of(cluster)}: new clients are held until ${instant(now() + ms)}${keptText(kept)}`
  }

  async release(
    where: { readonly cluster: string | null; readonly listener: string | null },
    by: string,
  ): Promise<string> {
    const { cluster, listeners } = this.#listeners(where)
    const { holds } = this.#deps.overrides.of(cluster.config.name)
    const held = listeners.filter((listener) => holds.has(listener))
    const kept = await this.#deps.overrides.release(cluster.config.name, held, by)
    if (held.length === 0) return `${listed(listeners)}${this.#of(cluster)}: not held by request`
    return `${listed(held)}${this.#of(cluster)}: released${endKeptText(kept)}`
  }

  async sessions(
    filter: SessionFilter,
    max: number,
  ): Promise<{ readonly sessions: readonly SessionStatus[]; readonly total: number }> {
    const { clusters, rest } = this.#matching(filter)
    const lists = await Promise.all(
      clusters.map(async ({ config: { name }, proxy }) => {
        const { sessions, total } = await proxy.sessions(rest, max)
        return { sessions: sessions.map((session): SessionStatus => ({ ...session, cluster: name })), total }
      }),
    )
    const all = lists.flatMap(({ sessions }) => sessions).toSorted((one, other) => one.since - other.since)
    return { sessions: all.slice(0, max), total: lists.reduce((sum, { total }) => sum + total, 0) }
  }

  async closeSessions(filter: SessionFilter, by: string): Promise<number> {
    const { clusters, rest } = this.#matching(filter)
    requireOneCluster(filter, clusters)
    const closed = await Promise.all(clusters.map(({ proxy }) => proxy.closeSessions(rest, by)))
    return closed.reduce((sum, each) => sum + each, 0)
  }

  async limitListener(
    where: { readonly cluster: string | null; readonly listener: string },
    max: number,
    by: string,
  ): Promise<string> {
    const { cluster } = this.#listeners(where)
    const { listener } = where
    if (!Number.isSafeInteger(max) || max < 0) throw refused('a limit is a whole number; 0: none')
    await cluster.proxy.limit(listener, max)
    const what = max === 0 ? 'no limit of its own' : `at most ${counted(max, 'connection')}`
    const fields = { event: 'limit-set', listener, maxConnections: max, by }
    logLines(this.#deps.logOf(cluster.config.name), [
      { level: 'info', message: `${listener}: ${what}, by ${by}`, fields },
    ])
    return `listener ${listener}${this.#of(cluster)}: ${what}, until a restart or its removal`
  }

  /** Returns a cluster by its name; null: the only one. Throws ACT_REFUSED. */
  #cluster(name: string | null): ActingCluster {
    const all = this.#deps.clusters()
    const names = all.map(({ config }) => config.name).join(', ')
    if (name === null && all.length > 1) throw refused(`there are several clusters: name one of ${names}`)
    const found = name === null ? all[0] : all.find(({ config }) => config.name === name)
    if (found === undefined) throw refused(`there is no cluster ${name ?? ''}: there is ${names || 'none'}`)
    return found
  }

  /** Returns the listeners that are meant; `listener` null: all of the cluster. Throws ACT_REFUSED. */
  #listeners(where: { readonly cluster: string | null; readonly listener: string | null }): {
    readonly cluster: ActingCluster
    readonly listeners: readonly string[]
  } {
    const cluster = this.#cluster(where.cluster)
    const { listener } = where
    const names = listenersOf(cluster)
    if (listener !== null) requireOneOf(listener, names, `listener ${listener}`, this.#in(cluster))
    if (names.length === 0) throw refused(`there is no listener${this.#in(cluster)}: its proxy is off`)
    return { cluster, listeners: listener === null ? names : [listener] }
  }

  /** Returns whose sessions are meant. Throws ACT_REFUSED where there is no such cluster, listener or member, nor can be such a client. */
  #matching({ cluster, ...rest }: SessionFilter): {
    readonly clusters: readonly ActingCluster[]
    readonly rest: Omit<SessionFilter, 'cluster'>
  } {
    const clusters = cluster === undefined ? this.#deps.clusters() : [this.#cluster(cluster)]
    const { listener, member, client } = rest
    if (client !== undefined && normalizedClient(client) === null)
      throw refused('a client is an IP address without port, or the path of a Unix socket')
    const [only] = clusters
    const place = clusters.length === 1 && only !== undefined ? this.#in(only) : ''
    if (listener !== undefined)
      requireOneOf(listener, clusters.flatMap(listenersWithSessionsOf), `listener ${listener}`, place)
    if (member !== undefined) requireOneOf(member, clusters.flatMap(membersWithSessionsOf), `member ${member}`, place)
    return { clusters, rest }
  }

  #in({ config: { name } }: ActingCluster): string {
    return this.#deps.clusters().length > 1 ? ` in ${name}` : ''
  }

  #of({ config: { name } }: ActingCluster): string {
    return this.#deps.clusters().length > 1 ? ` of ${name}` : ''
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

function listed(listeners: readonly string[]): string {
  return `listener${listeners.length === 1 ? '' : 's'} ${listeners.join(', ')}`
}

/** Returns what an override means for the clients of a member. */
function effectOn(member: string, { config, view, proxy }: ActingCluster): string {
  const sessions = proxy.status().sessions.filter((each) => each.member === member)
  const open = sessions.reduce((sum, each) => sum + each.sessions, 0)
  const staying = open === 0 ? 'none is open' : `${counted(open, 'session')} on it stay${open === 1 ? 's' : ''}`
  const isPrimary = view.primary.member === member
  const isHeld = config.proxy.hold.timeoutMs > 0
  if (isPrimary) return `new clients of the primary are ${isHeld ? 'held' : 'refused'}; ${staying}`
  return `no new sessions; ${staying}`
}

/** Returns how what has begun was kept. */
function keptText(kept: Kept): string {
  switch (kept.kind) {
    case 'kept':
      return ''
    case 'no-state-dir':
      return '; a restart would forget it, as there is no state_dir'
    case 'failed':
      return `; a restart would forget it: ${kept.reason}`
  }
}

/** Returns the same of what has ended: in memory only it is over for good. */
function endKeptText(kept: Kept): string {
  return kept.kind === 'failed' ? `; a restart may bring it back: ${kept.reason}` : ''
}

/** Throws ACT_REFUSED where a member or a listener of that name is meant, and several clusters have one. */
function requireOneCluster({ member, listener }: SessionFilter, clusters: readonly ActingCluster[]): void {
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

function refused(message: string): RouterError {
  return new RouterError('ACT_REFUSED', message)
}
