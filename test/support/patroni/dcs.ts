import type { Login } from '../etcd/client.ts'
import type { WatchLog } from '../watch-log.ts'

/** One process of a DCS, which can be ended, frozen and started again on the same port and data. */
export interface DcsServer {
  readonly port: number
  /** Starts it and waits until it answers. */
  start(): Promise<void>
  /** Waits until it answers. */
  ready(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
  /** Its sockets stay open and nothing answers. */
  freeze(): void
  thaw(): void
}

export interface SectionOptions {
  /** Relays to the servers, on 127.0.0.1, whose own addresses must not be discovered then. */
  readonly ports?: readonly number[] | null
  /** As whom; null: as nobody. */
  readonly login?: Login | null
  /** The member that the section is of; none: it is the router's. */
  readonly member?: string
}

/** A DCS as a Patroni cluster needs it; keys are such as `/service/demo/leader`, whatever the DCS makes of them. */
export interface PatroniDcs extends AsyncDisposable {
  /** Of Patroni's section, and the router's. */
  readonly name: 'etcd3' | 'etcd' | 'consul' | 'zookeeper' | 'kubernetes'
  /** Patroni's `namespace` where nothing else is said. */
  readonly namespace?: string
  readonly servers: readonly DcsServer[]
  /** What stands in that section. */
  section(options?: SectionOptions): Readonly<Record<string, unknown>>
  /** What Patroni and the router get of it by their environment. */
  env?(options?: SectionOptions): Readonly<Record<string, string>>
  /** Makes what Patroni expects to be there. @param key of the cluster, such as `/default/demo`. */
  prepare?(key: string, members: readonly string[]): Promise<void>
  /** The value of a key for certain, from any server that answers; null: there is none. */
  get(key: string): Promise<string | null>
  /** Records what happens to the keys that start with `prefix` from now on. */
  watch(prefix: string): Promise<WatchLog>
  /** Ends its processes, frozen ones too, and removes their data. */
  close(): Promise<void>
}
