/** The listeners as HAProxy's proxies: each is a frontend, a backend and a server for each member. Pure. */
import type { ListenerStatus, MemberStatus } from '../../proxy/status.ts'
import type { MemberTraffic } from '../../proxy/traffic.ts'
import type { MemberCheckCounts } from '../../watcher/counts.ts'
import type { ClusterView, MemberView } from '../../watcher/view.ts'
import type { RouterStatus } from '../status.ts'

/** One listener with what belongs to it. */
export interface Section {
  /** The listener's name; `CLUSTER:LISTENER` where there are several clusters. */
  readonly name: string
  /** Its place in the order of the configuration, from 2 on as in HAProxy, where the first ones are its own. */
  readonly id: number
  readonly view: ClusterView
  readonly listener: ListenerStatus
  /** Of all listeners of its cluster together; 0: none. */
  readonly maxConnections: number
  readonly members: ReadonlyMap<string, MemberView>
  readonly checks: ReadonlyMap<string, MemberCheckCounts>
}

const FIRST_ID = 2

/** Returns the sections, in the order of the configuration. */
export function* sectionsOf({ clusters }: RouterStatus): Generator<Section> {
  let id = FIRST_ID
  for (const { view, proxy, counts } of clusters) {
    const members = new Map(view.members.map((member) => [member.name, member]))
    const checks = new Map(counts.members.map((each) => [each.member, each]))
    for (const listener of proxy?.listeners ?? []) {
      const name = sectionName(clusters.length, view.name, listener.name)
      yield { name, id: id++, view, listener, maxConnections: proxy?.maxConnections ?? 0, members, checks }
    }
  }
}

/** Returns what a listener is called. `clusters`: how many there are. */
export function sectionName(clusters: number, cluster: string, listener: string): string {
  return clusters > 1 ? `${cluster}:${listener}` : listener
}

/** One server of a section: a member behind a listener. */
export interface Server {
  readonly section: Section
  /** Its place among the members, which are sorted by name, from 1 on. */
  readonly id: number
  readonly status: MemberStatus
  /** null: it has gone from the view. */
  readonly member: MemberView | null
  /** null: it has had no session. */
  readonly traffic: MemberTraffic | null
}

/** Returns the servers of a section, by name. */
export function serversOf(section: Section): readonly Server[] {
  const { listener, members } = section
  const traffic = new Map(listener.traffic.members.map((each) => [each.member, each]))
  return listener.members.map((status, at) => ({
    section,
    id: at + 1,
    status,
    member: members.get(status.member) ?? null,
    traffic: traffic.get(status.member) ?? null,
  }))
}

/** As HAProxy has them for servers. */
export const SERVER_STATES = ['DOWN', 'UP', 'MAINT', 'DRAIN', 'NOLB'] as const
export type ServerState = (typeof SERVER_STATES)[number]

/** Returns the state of a server. An override comes before everything else. */
export function stateOf(server: Server): ServerState {
  const override = server.member?.override
  if (override !== undefined) return override.state === 'maint' ? 'MAINT' : 'DRAIN'
  return server.status.fit || isBackup(server) ? 'UP' : 'DOWN'
}

/** Returns whether a server is the primary that serves because no member of the route can: what HAProxy calls a backup server. */
export function isBackup({ section: { listener, view }, status }: Server): boolean {
  return listener.fallback && status.member === view.primary.member
}
