/** What a person can have the running router do: overrides of members, holds, sessions, limits. */
import type { Acts, SessionFilter } from '../admin/acts.ts'
import { now } from '../clock.ts'
import { MAX_HOLD_MS, type OverrideState, OVERRIDE_WORDS } from '../override.ts'
import type { Kept, OverrideStore } from '../overrides/override-store.ts'
import type { SessionStatus } from '../proxy/status.ts'
import { type Log, logLines } from '../text/log-line.ts'
import { counted, instant } from '../text/wording.ts'
import { type ActingCluster, ActTargets, refused, requireOneCluster } from './act-targets.ts'

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
  readonly #targets: ActTargets

  constructor(deps: RouterActsDeps) {
    this.#deps = deps
    this.#targets = new ActTargets(deps.clusters)
  }

  async setMember(
    where: { readonly cluster: string | null; readonly member: string },
    state: OverrideState | 'ready',
    forMs: number | null,
    by: string,
  ): Promise<string> {
    const cluster = this.#targets.cluster(where.cluster)
    const { name } = cluster.config
    const { member } = where
    const { overrides } = this.#deps
    const present = overrides.of(name).members.get(member) ?? null
    // A member that has left the cluster may still have an override, which comes back with it.
    if (present === null) this.#targets.requireMember(cluster, member)
    if (state === 'ready') {
      if (forMs !== null) throw refused('ready takes no duration: it ends the override')
      const kept = await overrides.endMember(name, member, by)
      const was = present === null ? 'it had no override' : `it is no longer ${OVERRIDE_WORDS[present.state]}`
      return `member ${member}${this.#targets.of(cluster)}: ready, ${was}${endKeptText(kept)}`
    }
    if (forMs !== null && forMs <= 0) throw refused('a duration is longer than 0')
    const kept = await overrides.setMember(name, member, { state, forMs, by })
    const until = overrides.of(name).members.get(member)?.until ?? null
    const word = `${OVERRIDE_WORDS[state]}${until === null ? '' : ` until ${instant(until)}`}`
    return `member ${member}${this.#targets.of(cluster)}: ${word}, ${effectOn(member, cluster)}${keptText(kept)}`
  }

  async hold(
    where: { readonly cluster: string | null; readonly listener: string | null },
    forMs: number | null,
    by: string,
  ): Promise<string> {
    const { cluster, listeners } = this.#targets.listeners(where)
    const ms = forMs ?? HOLD_MS
    if (ms <= 0) throw refused('a duration is longer than 0')
    if (ms > MAX_HOLD_MS) throw refused('a hold lasts 1h at most')
    const kept = await this.#deps.overrides.hold(cluster.config.name, listeners, ms, by)
    return `${listed(listeners)}${this.#targets.of(cluster)}: new clients are held until ${instant(now() + ms)}${keptText(kept)}`
  }

  async release(
    where: { readonly cluster: string | null; readonly listener: string | null },
    by: string,
  ): Promise<string> {
    const { cluster, listeners } = this.#targets.listeners(where)
    const { holds } = this.#deps.overrides.of(cluster.config.name)
    const held = listeners.filter((listener) => holds.has(listener))
    const kept = await this.#deps.overrides.release(cluster.config.name, held, by)
    if (held.length === 0) return `${listed(listeners)}${this.#targets.of(cluster)}: not held by request`
    return `${listed(held)}${this.#targets.of(cluster)}: released${endKeptText(kept)}`
  }

  async sessions(
    filter: SessionFilter,
    max: number,
  ): Promise<{ readonly sessions: readonly SessionStatus[]; readonly total: number }> {
    const { clusters, rest } = this.#targets.matching(filter)
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
    const { clusters, rest } = this.#targets.matching(filter)
    requireOneCluster(filter, clusters)
    const closed = await Promise.all(clusters.map(({ proxy }) => proxy.closeSessions(rest, by)))
    return closed.reduce((sum, each) => sum + each, 0)
  }

  async limitListener(
    where: { readonly cluster: string | null; readonly listener: string },
    max: number,
    by: string,
  ): Promise<string> {
    const { cluster } = this.#targets.listeners(where)
    const { listener } = where
    if (!Number.isSafeInteger(max) || max < 0) throw refused('a limit is a whole number; 0: none')
    await cluster.proxy.limit(listener, max)
    const what = max === 0 ? 'no limit of its own' : `at most ${counted(max, 'connection')}`
    const fields = { event: 'limit-set', listener, maxConnections: max, by }
    logLines(this.#deps.logOf(cluster.config.name), [
      { level: 'info', message: `${listener}: ${what}, by ${by}`, fields },
    ])
    return `listener ${listener}${this.#targets.of(cluster)}: ${what}, until a restart or its removal`
  }
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
