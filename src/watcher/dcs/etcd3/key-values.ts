/** Arbitrary keys of etcd v3, for templates. Only reads. */
import type { Etcd3Config } from './section.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { DISCOVER_MS, etcdSessions } from './etcd-sessions.ts'
import { leftOutLog } from '../listed.ts'
import { fromRoot } from './key-range.ts'
import { KeySet } from './key-set.ts'
import type { KeysObservation, KeyValueSource } from '../key-values.ts'

export interface Etcd3KeyValuesOptions {
  readonly config: Etcd3Config
  /** How often etcd is asked whether the keys are still those, and how long it may take to answer. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets a line about each key that is left out; null: no log. */
  readonly log: Log | null
  /** How often all keys are read again and compared with the watch. Milliseconds. */
  readonly compareMs?: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** confd's users were left with old files by watches that had died silently, and with nothing that noticed it. */
const COMPARE_MS = 60_000

export class Etcd3KeyValues implements KeyValueSource {
  readonly #options: Etcd3KeyValuesOptions

  constructor(options: Etcd3KeyValuesOptions) {
    this.#options = options
  }

  observe(root: string, signal: AbortSignal): AsyncGenerator<KeysObservation, void, undefined> {
    const { log, compareMs = COMPARE_MS, ...options } = this.#options
    const name = root.replace(/\/+$/, '')
    const onLeftOut = leftOutLog(log)
    const sessions = etcdSessions<KeysObservation>({
      ...{ ...options, discoverMs: DISCOVER_MS },
      range: fromRoot(name),
      // The observation of the cluster, with the same certificates, tells of them.
      log: null,
      begin: (list) => new KeySet(list, { root: name, compareMs, onLeftOut }),
      lost: (_endpoint, error) => ({ type: 'lost', error }),
    })
    return sessions.observe(signal)
  }
}
