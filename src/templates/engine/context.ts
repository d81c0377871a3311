/** What every template can read of the cluster. The names are promises to the people who write templates. */
import { hostPort } from '../../address.ts'
import { parseHttpUrl } from '../../http-url.ts'
import { type ClusterView, type MemberView, servesReads, type Tag, takesNew } from '../../watcher/view.ts'
import type { PrimaryState } from '../../config/config.ts'

/**
 * Plain data; the same cluster gives the same context. Keys as Patroni and the configuration write them. Text that is
 * not safe to be written into a configuration is marked when a template is rendered (seen-context.ts), not here.
 */
export interface TemplateContext {
  readonly scope: string
  readonly namespace: string
  readonly citus_group: number | null
  readonly system_id: string | null
  readonly paused: boolean
  readonly standby_cluster: boolean
  /** The primary's state. */
  readonly state: PrimaryState
  /** The member that the DCS names, whether it accepts writes yet or not. */
  readonly leader: TemplateMember | null
  /** The member that is open for writes (`open` or `unlocked`). */
  readonly primary: TemplateMember | null
  /** All that have an address, by name. Members whose keys have gone are in it only as the primary. */
  readonly members: readonly TemplateMember[]
  /** Members that serve reads now: they answer as running replicas and are not tagged `noloadbalance`, as Patroni's /replica, and are not drained. */
  readonly replicas: readonly TemplateMember[]
  /** Those of `members` that are in the synchronous set. */
  readonly sync_standbys: readonly TemplateMember[]
}

/** What a template about several clusters can read: each of them, in the order of the configuration. */
export interface TemplateClusters {
  readonly clusters: readonly (TemplateContext & { readonly name: string })[]
}

export interface TemplateMember {
  readonly name: string
  readonly host: string
  readonly port: number
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string
  /** Of its pooler (`proxy_url`); null where it has none. */
  readonly proxy_host: string | null
  readonly proxy_port: number | null
  /** Scheme, host and port: `http://10.0.0.1:8008`. */
  readonly rest_url: string | null
  readonly rest_host: string | null
  readonly rest_port: number | null
  /** As Patroni wrote it, up to a loop late. */
  readonly role: string
  readonly member_state: string
  readonly replication_state: string | null
  readonly is_leader: boolean
  readonly is_primary: boolean
  readonly is_sync: boolean
  /** Whether it is one of `replicas`. */
  readonly is_replica: boolean
  /** Bytes behind the leader; 0 for the leader, null where it is not known. Changes with every check. */
  readonly lag: number | null
  readonly timeline: number | null
  readonly version: string | null
  readonly pending_restart: boolean
  /** What a person has decided about it: `drain` or `maint`; null: nothing. */
  readonly override: string | null
  readonly tags: Readonly<Record<string, Tag>>
}

/** Returns what templates see of a view. Pure. */
export function contextOf(view: ClusterView): TemplateContext {
  const open = takesNew(view.primary.state) ? view.primary.member : null
  const members = view.members.flatMap((member) => {
    const isPrimary = member.name === open
    return member.host === null || (member.gone && !isPrimary) ? [] : [memberOf(member, member.host, view, isPrimary)]
  })
  return {
    scope: view.scope,
    namespace: view.namespace,
    citus_group: view.citusGroup,
    system_id: view.systemId,
    paused: view.paused,
    standby_cluster: view.standbyCluster,
    state: view.primary.state,
    leader: members.find(({ is_leader }) => is_leader) ?? null,
    primary: members.find(({ is_primary }) => is_primary) ?? null,
    members,
    replicas: members.filter(({ is_replica }) => is_replica),
    sync_standbys: members.filter(({ is_sync }) => is_sync),
  }
}

function memberOf(member: MemberView, host: string, view: ClusterView, isPrimary: boolean): TemplateMember {
  const isLeader = member.name === view.leader
  const rest = parseHttpUrl(member.restUrl ?? '')
  return {
    name: member.name,
    host,
    port: member.port,
    address: hostPort(host, member.port),
    proxy_host: member.proxy?.host ?? null,
    proxy_port: member.proxy?.port ?? null,
    rest_url: member.restUrl,
    rest_host: rest?.host ?? null,
    rest_port: rest === null ? null : portOf(rest.url),
    role: member.role,
    member_state: member.state,
    replication_state: member.replicationState,
    is_leader: isLeader,
    is_primary: isPrimary,
    is_sync: member.isSync,
    is_replica: servesReads(member),
    lag: isLeader ? 0 : member.lagBytes,
    timeline: member.timeline,
    version: member.version,
    pending_restart: member.pendingRestart,
    override: member.override?.state ?? null,
    tags: tagsOf(member.tags),
  }
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}

/** Returns the tags without a prototype, so that no name has a meaning of JavaScript. Numbers beyond the range (1e999) cannot be written. */
function tagsOf(tags: MemberView['tags']): TemplateMember['tags'] {
  const own = Object.create(null) as Record<string, Tag>
  for (const [name, tag] of Object.entries(tags)) {
    if (typeof tag !== 'number' || Number.isFinite(tag)) own[name] = tag
  }
  return own
}
