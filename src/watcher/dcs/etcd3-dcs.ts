/** A cluster in etcd v3: its keys, and the leader key read linearizably every interval. */
import type { Etcd3Config } from '../../config/config.ts'
import { RouterError } from '../../errors.ts'
import type { Log } from '../certificate-news.ts'
import type { Dcs, DcsObservation } from './dcs.ts'
import type { EtcdConnection, EtcdReading } from './etcd3-connection.ts'
import { DISCOVER_MS, EtcdSessions, type Place, type SessionKeys } from './etcd3-sessions.ts'
import { belowPrefix } from './key-range.ts'
import { type KeyEvent, Keyspace } from './keyspace.ts'

export interface Etcd3Options {
  readonly config: Etcd3Config
  /** `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  /** How often the leader key is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Told of certificates that are replaced; null: nobody. */
  readonly log?: Log | null
  /** See `SessionsOptions`; a minute unless told. */
  readonly discoverMs?: number
}

export class Etcd3Dcs implements Dcs {
  readonly kind = 'etcd3'
  readonly #sessions: EtcdSessions<DcsObservation>

  constructor({ prefix, log = null, discoverMs = DISCOVER_MS, ...options }: Etcd3Options) {
    this.#sessions = new EtcdSessions<DcsObservation>({
      ...{ ...options, log, discoverMs },
      range: belowPrefix(prefix),
      begin: (list) => new ClusterKeys(list),
      lost: (endpoint, error, notices) => ({ type: 'lost', endpoint, error, notices }),
    })
  }

  observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    return this.#sessions.observe(signal)
  }
}

/** The cluster that the keys of one session describe. */
class ClusterKeys implements SessionKeys<DcsObservation> {
  readonly #keyspace: Keyspace
  /** The last read has shown another leader than the watch, which has told nothing since. */
  #late = false

  constructor({ keys, revision }: EtcdReading) {
    this.#keyspace = new Keyspace(keys, revision)
  }

  get revision(): bigint {
    return this.#keyspace.revision
  }

  onEvents(events: readonly KeyEvent[], revision: bigint): boolean {
    this.#late = false
    return this.#keyspace.applyEvents(events, revision)
  }

  read(connection: EtcdConnection): Promise<EtcdReading> {
    return connection.readLeader()
  }

  onRead({ keys, revision }: EtcdReading): boolean {
    if (this.#late) throw new RouterError('DCS_STALE', 'the watch does not tell what a read shows')
    this.#late = this.#keyspace.applyLeaderRead(keys[0] ?? null, revision)
    return true
  }

  tell(place: Place): DcsObservation {
    return { type: 'snapshot', cluster: this.#keyspace.cluster, ...place }
  }
}
