/** What every template can read of the cluster. The names are promises to the people who write templates. */
import type { Tag } from '../watcher/member.ts'
import type { PrimaryState } from '../watcher/machine.ts'

/**
 * Plain data; the same cluster gives the same context. Keys as Patroni and the configuration write them. Text that is
 * not safe to be written into a configuration is wrapped when a template reads it (unsafe.ts), not here.
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
  /** Whom the DCS names, whether it takes writes yet or not. */
  readonly leader: TemplateMember | null
  /** Who is open for writes (`open` or `unlocked`). */
  readonly primary: TemplateMember | null
  /** All that have an address, by name. Members whose keys have gone are in it only as the primary. */
  readonly members: readonly TemplateMember[]
  /** Those that serve reads now: they answer as running replicas and are not tagged `noloadbalance`, as Patroni's /replica. */
  readonly replicas: readonly TemplateMember[]
  /** Those of `members` that are in the synchronous set. */
  readonly sync_standbys: readonly TemplateMember[]
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
  readonly tags: Readonly<Record<string, Tag>>
}
