/** The router's configuration after validation: complete, readonly, every duration in milliseconds, every size in bytes. */
export interface Config {
  /** Where it was read from; null when the environment alone was enough. */
  readonly file: string | null
  /** Inside always a list; the flat file describes one. A Citus group is a cluster. */
  readonly clusters: readonly ClusterConfig[]
  /** Where the last known cluster is kept; null: nowhere. */
  readonly stateDir: string | null
  readonly admin: AdminConfig
  readonly logging: LoggingConfig
}

export interface ClusterConfig {
  readonly scope: string
  /** Without slashes at either end: `service`, `a/b`; empty when it was only slashes (the keys are then under `/scope/`). */
  readonly namespace: string
  readonly citusGroup: number | null
  /** The Patroni member on this machine, if there is one. */
  readonly localMember: string | null
  readonly dcs: DcsConfig
  readonly restApi: RestApiConfig
  readonly proxy: ProxyConfig
}

export type DcsConfig = Etcd3Config | FileConfig | RestConfig

export interface Etcd3Config {
  readonly kind: 'etcd3'
  /** `host:port`, IPv6 in brackets. Seeds, as in Patroni: the advertised URLs are discovered unless `useProxies`. */
  readonly endpoints: readonly string[]
  readonly protocol: 'http' | 'https'
  readonly useProxies: boolean
  /** null: etcd asks for no password. */
  readonly auth: { readonly username: string; readonly password: string } | null
  /** Paths of files; of no meaning with http. Without `caFile` the system's certificates count. */
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
}

/** A cluster described in a YAML file. */
export interface FileConfig {
  readonly kind: 'file'
  /** Absolute, or relative to the working directory. */
  readonly path: string
}

/** The members' own REST API, as far as it can be discovered from these. */
export interface RestConfig {
  readonly kind: 'rest'
  /** Scheme, host and port, without a path: `http://10.0.0.1:8008`. */
  readonly urls: readonly string[]
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
  readonly listeners: readonly ListenerConfig[]
  /** Which address of a member is dialled; one without a `proxy_url` is dialled at its `conn_url`. */
  readonly address: 'conn_url' | 'proxy_url'
  /** `dcs`: members are not asked, what the DCS says of them counts. */
  readonly trust: 'proof' | 'dcs'
  readonly check: CheckConfig
  /** `timeoutMs` 0: nobody is held. */
  readonly hold: { readonly timeoutMs: number; readonly maxConnections: number }
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
  /** A member further behind takes no new sessions; null: however far. Bytes. */
  readonly maxLagBytes: number | null
  /** What a member's tags have to be. */
  readonly tags: Readonly<Record<string, string | number | boolean>>
  /** Who serves while no member of the route can. */
  readonly fallback: 'none' | 'primary'
  /** Whether sessions of the fallback are closed once a member of the route is back. */
  readonly closeFallback: boolean
}

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

export interface AdminConfig {
  /** `isDefault`: a default socket that cannot be made is a warning, a configured one an error. */
  readonly socket: { readonly path: string; readonly isDefault: boolean }
}

export interface LoggingConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  readonly format: 'json'
}
