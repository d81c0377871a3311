import type { Condition } from './conditions.ts'

/**
 * The router's configuration after validation: complete, readonly, every duration in milliseconds, every size in bytes.
 */
export interface Config {
  /** Where it was read from, of a directory as `DIRECTORY/*.yml`; null when the environment alone was enough. */
  readonly file: string | null
  /** Inside always a list, in the order of the file; the flat file describes one. A Citus group is a cluster. */
  readonly clusters: readonly ClusterConfig[]
  /** Whose DCS keys are read of: the clusters; or, where there is none, one without a name. */
  readonly keys: readonly ClusterConfig[]
  /** In the order of the file. */
  readonly templates: readonly TemplateConfig[]
  /**
   * In the order of the file, which is the order in which they are run. A hook for every cluster is there once for
   * each.
   */
  readonly hooks: readonly HookConfig[]
  readonly track: { readonly files: readonly TrackFileConfig[] }
  /** Where the last known cluster, pending reloads and commits under way are kept; null: nowhere. */
  readonly stateDir: string | null
  readonly admin: AdminConfig
  readonly logging: LoggingConfig
}

export interface ClusterConfig {
  /** What listeners, templates and people call it; of the flat file the scope. */
  readonly name: string
  readonly scope: string
  /**
   * Without slashes at either end: `service`, `a/b`; empty when it was only slashes (the keys are then under
   * `/scope/`).
   */
  readonly namespace: string
  readonly citusGroup: number | null
  /** The Patroni member on this machine, if there is one. */
  readonly localMember: string | null
  readonly dcs: DcsConfig
  readonly restApi: RestApiConfig
  readonly proxy: ProxyConfig
}

/** Where a cluster is observed. What else there is in it is a matter of its kind (watcher/dcs). */
export interface DcsConfig {
  readonly kind: string
}

/** How the members' REST API is reached (Patroni's `ctl` section, the CA also from `restapi.cafile`). Paths of files. */
export interface RestApiConfig {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly keyPassword: string | null
  readonly insecure: boolean
}

export interface ProxyConfig {
  /** Empty: the proxy is off. */
  readonly listeners: readonly ListenerConfig[]
  /** Which address of a member is dialled; one without a `proxy_url` is dialled at its `conn_url`. */
  readonly address: 'conn_url' | 'proxy_url'
  /** `dcs`: members are not asked, what the DCS says of them counts. */
  readonly trust: 'proof' | 'dcs'
  readonly check: CheckConfig
  /** `timeoutMs` 0: no connection is held. */
  readonly hold: {
    readonly timeoutMs: number
    readonly maxConnections: number
    /** A refused client that requests TLS is answered that there is none, so that it reads the reason, or is closed. */
    readonly refuseTls: 'answer' | 'close'
  }
  /** 0: unlimited. */
  readonly maxConnections: number
  /** `clientMs` and `serverMs` 0: no timeout. */
  readonly timeouts: { readonly connectMs: number; readonly clientMs: number; readonly serverMs: number }
  /** Idle time before the first TCP keepalive probe; 0: no probes. */
  readonly tcpKeepaliveMs: number
  /** 0: sessions are closed at once. */
  readonly drainTimeoutMs: number
}

export interface CheckConfig {
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
}

export interface ListenerConfig {
  readonly name: string
  /** At least one. */
  readonly binds: readonly Bind[]
  readonly route: Route
  /** How one of several members is chosen. */
  readonly balance: Balance
  /** Lag from which on a member gets no new sessions; null: no limit. Bytes. */
  readonly maxLagBytes: number | null
  /** What a member's tags have to be. */
  readonly tags: Readonly<Record<string, string | number | boolean>>
  /** Member that serves while no member of the route can. */
  readonly fallback: 'none' | 'primary'
  /** Whether sessions of the fallback are closed once a member of the route is back. */
  readonly closeFallback: boolean
}

/** The ways to balance. */
export const BALANCES = ['roundrobin'] as const
export type Balance = (typeof BALANCES)[number]

export type Route = 'primary' | 'replica' | 'sync' | 'async' | 'read-only' | 'standby-leader' | 'any'

export type Bind = TcpBind | UnixBind

export interface TcpBind {
  readonly kind: 'tcp'
  /** null: every address, IPv6 and IPv4. */
  readonly host: string | null
  readonly port: number
}

export interface UnixBind {
  readonly kind: 'unix'
  /** Absolute. */
  readonly path: string
}

/** One file that is rendered. */
export interface TemplateConfig {
  readonly subject: TemplateSubject
  /** Absolute. */
  readonly source: string
  /** Absolute. */
  readonly destination: string
  /** Name or number; null: as the file that is there, else of the router's own user. */
  readonly owner: string | null
  readonly group: string | null
  /** Permission bits; null: as the file that is there, else 0644. */
  readonly mode: number | null
  /** Run on the staged file before it takes the place of the destination. */
  readonly check: CommandConfig | null
  /** Run once the destination is written. Of one reload group all have the same, and the same pace. */
  readonly reload: CommandConfig | null
  /** `minMs` is waited after each change, `maxMs` at most after the first one. */
  readonly debounce: { readonly minMs: number; readonly maxMs: number }
  /** Besides every change: how often source and destination are looked at again; 0: never. */
  readonly intervalMs: number
  /** What to do while a list that is written is empty, or a member that is named does not exist. */
  readonly onEmpty: 'keep' | 'render'
  /** Whether the file before the last change stays beside the destination, as `DESTINATION.bak`. */
  readonly backup: boolean
  /** Templates with the same group change together and reload once; null: it is one of its own. */
  readonly reloadGroup: string | null
  /**
   * Arbitrary keys of the DCS that the template reads: those below `prefix` + each of `keys`. Begins with a slash and
   * ends with none; empty: the root.
   */
  readonly prefix: string
  /** Each begins with a slash; `/` is all below the prefix. Empty: the template reads no keys. */
  readonly keys: readonly string[]
}

/**
 * What a template is about, by the names of clusters. Of one it sees what there is; of several a list of them, in this
 * order.
 */
export type TemplateSubject =
  | { readonly kind: 'cluster'; readonly cluster: string }
  | { readonly kind: 'clusters'; readonly clusters: readonly string[] }

/** A command that is run, in a process group of its own. */
export interface CommandConfig {
  /**
   * A text goes to `/bin/sh -c`; a list (not empty) is run without a shell. Both may hold PLACEHOLDERS
   * (templates/command.ts).
   */
  readonly command: string | readonly string[]
  /** Then its process group is ended. */
  readonly timeoutMs: number
  /** Besides the few variables that every command gets. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly workingDir: string
}

/** A command that is run when the primary's state changes. */
export interface HookConfig {
  /** As it is shown: `hooks[0]`, or what the file calls it. */
  readonly name: string
  /** Whose primary it follows. */
  readonly cluster: string
  readonly on: readonly PrimaryState[]
  /**
   * The reload group (or the destination of a template of its own) that has to be in place and reloaded first; null:
   * none.
   */
  readonly after: string | null
  readonly run: CommandConfig
}

/** A file that says 1 while a condition holds, else 0. */
export interface TrackFileConfig {
  /** Absolute. */
  readonly path: string
  readonly cluster: string
  readonly condition: Condition
}

/** The states of the primary (watcher/primary/machine.ts, `PrimaryPhase`). */
export const PRIMARY_STATES = [
  'open',
  'switching',
  'promoting',
  'unconfirmed',
  'unreachable',
  'unverified',
  'unlocked',
  'none',
] as const

export type PrimaryState = (typeof PRIMARY_STATES)[number]

export interface AdminConfig {
  readonly socket: AdminSocketConfig
  readonly http: HttpConfig
}

export interface AdminSocketConfig {
  readonly path: string
  /** Nothing of it is configured: a socket that cannot be made is a warning then, else an error. */
  readonly isDefault: boolean
  /** Permission bits; null: 0660 with a group, else what the umask leaves to owner and group. */
  readonly mode: number | null
  /** Name or number; null: of the router's own user. */
  readonly group: string | null
}

/** Statistics, health checks and the API over HTTP. */
export interface HttpConfig {
  /** Empty: there is none. */
  readonly binds: readonly TcpBind[]
  /** They are not configured: one that is in use is a warning then, else an error. */
  readonly isDefault: boolean
  /** Paths of files; null: without TLS. Without `keyFile` the key is in `certFile`. */
  readonly tls: { readonly certFile: string; readonly keyFile: string | null } | null
  /** Path; null: no act is possible. */
  readonly tokenFile: string | null
  /** Names that a request may address it by, besides those of this host. In small letters. */
  readonly hosts: readonly string[]
}

export interface LoggingConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  /** `auto`: `text` on a terminal, else `json`. */
  readonly format: 'auto' | 'json' | 'text'
  /** Whether each connection is a line, when it ends. */
  readonly connections: boolean
}
