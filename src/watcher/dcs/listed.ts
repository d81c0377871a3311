/** What whole lists of keys are for: a cluster, or arbitrary keys for templates. */
import { RouterError } from '../../errors.ts'
import type { Log } from '../../text/log-line.ts'
import { byteCount } from '../../text/binary-text.ts'
import { printable, REPLACEMENT } from '../../text/printable.ts'
import { type Cluster, isEmpty } from '../cluster.ts'
import type { DcsNotice, DcsObservation } from './dcs.ts'
import { KeyList } from './key-list.ts'
import { isWithin, type KeysObservation, type KeyValueSource } from './key-values.ts'
import { ListedKeys, type Listing } from './listing.ts'
import type { SessionConnection } from './sessions.ts'
import { LOOK_EVERY, Survey, type SurveyOptions } from './survey.ts'

/** A longer value is never handed to templates, nor a part of it: etcd itself accepts requests of 1.5 MiB by default. Bytes. */
const MAX_VALUE = 1024 * 1024

/** More names that are left out are not logged one by one. */
const MAX_TOLD = 20

/** A connection whose every certain read is all keys, by full name. */
interface ListConnection extends SessionConnection {
  list(): Promise<Listing>
}

/** What sessions make of whole lists: part of `SessionsOptions`. */
export interface ListedSessions<T, C> {
  readonly begin: (list: Listing) => ListedKeys<T, C>
  readonly lost: (endpoint: string, error: RouterError, notices?: readonly DcsNotice[]) => T
}

export interface ClusterOptions<C> extends Omit<SurveyOptions<C>, 'everyMs'> {
  /** Returns whether the cluster is not there; left out: it has no keys at all. */
  readonly isAbsent?: (cluster: Cluster) => boolean
}

/** Returns what sessions make of the lists of a cluster, of which the names begin with `prefix` (`/service/demo/`). */
export function clusterSessions<C extends ListConnection>(
  { isAbsent = isEmpty, ...options }: ClusterOptions<C>,
  intervalMs: number,
): ListedSessions<DcsObservation, C> {
  const survey = new Survey<C>({ ...options, everyMs: intervalMs * LOOK_EVERY })
  return {
    begin: (list) => clusterOf(list, options.prefix, survey, isAbsent),
    // Findings around it are not over because they cannot be read.
    lost: (endpoint, error, notices = []) => {
      return { type: 'lost', endpoint, error, notices: [...notices, ...survey.told] }
    },
  }
}

/** Builds what reads arbitrary keys. `observe`: builds the sessions that list a key and all below it. */
export function keyValueSource<C extends ListConnection>(
  name: string,
  log: Log | null,
  observe: (
    root: string,
    sessions: ListedSessions<KeysObservation, C>,
    signal: AbortSignal,
  ) => AsyncIterable<KeysObservation>,
): KeyValueSource {
  return {
    observe(given, signal) {
      const root = given.replace(/\/+$/, '')
      const onLeftOut = leftOutLog(log)
      const begin = (list: Listing): ListedKeys<KeysObservation, C> => valuesOf(list, { name, root, onLeftOut })
      return observe(root, { begin, lost: (_endpoint, error) => ({ type: 'lost', error }) }, signal)
    },
  }
}

/** Makes the cluster that lists of its keys describe; the same object as long as they say the same. */
function clusterOf<C extends ListConnection>(
  first: Listing,
  prefix: string,
  survey: Survey<C>,
  isAbsent: (cluster: Cluster) => boolean,
): ListedKeys<DcsObservation, C> {
  const list = new KeyList()
  const parse = (keys: Listing['keys']): Cluster =>
    list.apply(
      new Map(
        [...keys].flatMap(([name, { value, session, isDirectory = false }]) =>
          // Only templates have use for bytes that are not UTF-8.
          isBelow(name, prefix) && !isDirectory
            ? [[name.slice(prefix.length), { value: value.toWellFormed(), session }]]
            : [],
        ),
      ),
    )
  let cluster = parse(first.keys)
  return new ListedKeys<DcsObservation, C>(first, {
    apply(keys) {
      const before = cluster
      cluster = parse(keys)
      return cluster !== before
    },
    isUrgent: (before, after) => isUrgent(before.keys, after.keys, prefix),
    prepare: (connection) => survey.prepare(connection, isAbsent(cluster), connection.closed),
    read(connection) {
      // Beside it: its findings are handed over with the next confirmation, and no read waits for that.
      void survey.look(connection, isAbsent(cluster))
      return connection.list()
    },
    tell({ notices, ...place }) {
      return { type: 'snapshot', cluster, ...place, notices: [...notices, ...survey.tell(isAbsent(cluster))] }
    },
  })
}

function isBelow(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && name.length > prefix.length
}

/** Returns whether more has changed than what can wait. */
function isUrgent(before: Listing['keys'], after: Listing['keys'], prefix: string): boolean {
  const isWaiting = (name: string): boolean => name.startsWith(prefix) && canWait(name.slice(prefix.length))
  for (const [name, { value, session }] of after)
    if (!isWaiting(name) && (before.get(name)?.value !== value || before.get(name)?.session !== session)) return true
  for (const name of before.keys()) if (!isWaiting(name) && !after.has(name)) return true
  return false
}

/** Returns whether changes of a key can wait for others: members' own keys and positions; the leader, a switchover and the configuration cannot. */
export function canWait(key: string): boolean {
  return key.startsWith('members/') || key === 'status' || key === 'optime/leader'
}

interface ValuesOptions {
  /** The key that is wanted with all below it; empty: everything. */
  readonly root: string
  /** Gets the keys whose names are not UTF-8; also more than once. */
  readonly onLeftOut: (key: string) => void
  /** What people call the DCS. */
  readonly name: string
}

/** Makes the values that lists of keys, by full name, have for templates. */
function valuesOf<C extends ListConnection>(
  first: Listing,
  { root, onLeftOut, name }: ValuesOptions,
): ListedKeys<KeysObservation, C> {
  let keys: ReadonlyMap<string, string> | null = null
  let large: readonly string[] = []
  return new ListedKeys<KeysObservation, C>(first, {
    read: (connection) => connection.list(),
    apply(listed) {
      const values = new Map<string, string>()
      const larger: string[] = []
      for (const [key, { value, isDirectory = false }] of [...listed].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        if (!isWithin(root, key) || isDirectory) continue
        if (key.includes(REPLACEMENT)) onLeftOut(key)
        else if (isLarge(value)) larger.push(key)
        else values.set(key, value)
      }
      const isNews = keys === null || !isSame(keys, values) || larger.join() !== large.join()
      large = larger
      if (isNews) keys = values
      return isNews
    },
    // Files are rendered later all the same.
    isUrgent: () => false,
    tell({ endpoint }) {
      if (large.length > 0) return { type: 'lost', error: tooLarge(name, endpoint, large) }
      return { type: 'keys', keys: keys ?? new Map() }
    },
  })
}

/** Returns the error of keys that are too large for templates, of which there is at least one. */
export function tooLarge(dcs: string, endpoint: string, [first = '', ...more]: readonly string[]): RouterError {
  const others = more.length > 0 ? ` (and of ${more.length} more)` : ''
  const what = `the value of ${printable(first, 200)}${others} is longer than ${MAX_VALUE} bytes`
  return new RouterError('DCS_UNAVAILABLE', `${dcs} at ${endpoint}: ${what}`)
}

/** Returns what logs keys whose names are not UTF-8, each once. */
export function leftOutLog(log: Log | null): (key: string) => void {
  const told = new Set<string>()
  return (key) => {
    if (told.has(key) || told.size >= MAX_TOLD) return
    told.add(key)
    const shown = printable(key.slice(0, key.indexOf(REPLACEMENT) + 1), 200)
    log?.warn({ event: 'key-left-out', key: shown }, `the key ${shown} is left out: its name is not UTF-8`)
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

/** Returns whether a value is too large for templates. */
export function isLarge(value: string): boolean {
  // A code unit has at most three bytes.
  return value.length * 3 > MAX_VALUE && byteCount(value) > MAX_VALUE
}
