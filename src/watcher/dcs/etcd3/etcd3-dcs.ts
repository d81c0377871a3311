/** A cluster in etcd v3: its keys, and the leader key read linearizably every interval. */
import type { Etcd3Config } from './section.ts'
import { RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { isEmpty } from '../../cluster.ts'
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import type { EtcdConnection, EtcdReading } from './connection.ts'
import type { Place, Sessions } from '../sessions.ts'
import { DISCOVER_MS, type EtcdEvents, type EtcdKeys, type EtcdPosition, etcdSessions } from './etcd-sessions.ts'
import { canWait } from '../listed.ts'
import { LOOK_EVERY, Survey, type Surroundings } from '../survey.ts'
import { SURVEY } from './places.ts'
import { belowPrefix } from './key-range.ts'
import { Keyspace } from './keyspace.ts'

export interface Etcd3Options {
  readonly config: Etcd3Config
  /** `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  /** How often the leader key is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log?: Log | null
  /** See `EtcdSessionsOptions`; a minute by default. */
  readonly discoverMs?: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
  /** Where that is, and which groups of it are observed; without it the rest of etcd is not looked at. */
  readonly survey?: Surroundings
}

export class Etcd3Dcs implements ClusterSource {
  readonly #sessions: Sessions<DcsObservation, EtcdConnection, EtcdPosition, EtcdReading, EtcdEvents>

  constructor({ prefix, log = null, discoverMs = DISCOVER_MS, survey, ...options }: Etcd3Options) {
    const everyMs = options.intervalMs * LOOK_EVERY
    const around = survey === undefined ? null : new Survey({ ...survey, ...SURVEY, prefix, everyMs })
    this.#sessions = etcdSessions<DcsObservation>({
      ...{ ...options, log, discoverMs },
      range: belowPrefix(prefix),
      begin: (list) => new ClusterKeys(list, around),
      lost: (endpoint, error, notices) => {
        // Findings around it are not over because they cannot be read.
        return { type: 'lost', endpoint, error, notices: [...notices, ...(around?.told ?? [])] }
      },
    })
  }

  observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    return this.#sessions.observe(signal)
  }
}

/** The cluster that the keys of one session describe. */
class ClusterKeys implements EtcdKeys<DcsObservation> {
  readonly #keyspace: Keyspace
  readonly #clusterId: string
  readonly #survey: Survey<EtcdConnection> | null
  /** The last read has shown another leader than the watch, which has been silent since. */
  #late = false

  constructor({ clusterId, keys, revision }: EtcdReading, survey: Survey<EtcdConnection> | null) {
    this.#clusterId = clusterId
    this.#keyspace = new Keyspace(keys, revision)
    this.#survey = survey
  }

  get position(): EtcdPosition {
    return { clusterId: this.#clusterId, revision: this.#keyspace.revision }
  }

  isUrgent({ events }: EtcdEvents): boolean {
    return events.some(({ key }) => !canWait(key))
  }

  onEvents({ events, revision }: EtcdEvents): boolean {
    this.#late = false
    return this.#keyspace.applyEvents(events, revision)
  }

  async prepare(connection: EtcdConnection): Promise<void> {
    await this.#survey?.prepare(connection, this.#isEmpty, connection.closed)
  }

  read(connection: EtcdConnection): Promise<EtcdReading> {
    // Beside it: its findings are handed over with the next confirmation, and no read waits for that.
    void this.#survey?.look(connection, this.#isEmpty)
    return connection.readLeader()
  }

  onRead({ keys, revision }: EtcdReading): boolean {
    if (this.#late) throw new RouterError('DCS_STALE', 'the watch misses a change that a read shows')
    this.#late = this.#keyspace.applyLeaderRead(keys[0] ?? null, revision)
    return true
  }

  tell(place: Place): DcsObservation {
    const notices = [...place.notices, ...(this.#survey?.tell(this.#isEmpty) ?? [])]
    return { type: 'snapshot', cluster: this.#keyspace.cluster, ...place, notices }
  }

  get #isEmpty(): boolean {
    return isEmpty(this.#keyspace.cluster)
  }
}
