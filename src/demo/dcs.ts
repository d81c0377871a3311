/** The router's view of the in-process key space: what etcd's list, watch and linearizable read are elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCluster } from '../watcher/cluster.ts'
import type { Dcs, DcsObservation } from '../watcher/dcs/dcs.ts'
import type { DcsKind } from '../watcher/dcs/kind.ts'
import type { KeySpace } from './key-space.ts'

export class DemoDcs implements Dcs {
  readonly kind = 'demo'
  readonly leaderFrom = 'lock'
  readonly absence = null
  readonly #keys: KeySpace
  readonly #intervalMs: number

  /** `intervalMs`: how often it is confirmed that nothing has changed. */
  constructor(keys: KeySpace, intervalMs: number) {
    this.#keys = keys
    this.#intervalMs = intervalMs
  }

  async *observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    const pause = { wake: new AbortController() }
    const wake = (): void => pause.wake.abort()
    const unwatch = this.#keys.watch(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      let seen = -1
      let cluster = parseCluster(this.#keys.keys)
      while (!signal.aborted) {
        // What changes while the watcher takes this in ends the next pause at once.
        pause.wake = new AbortController()
        const revision = this.#keys.revision
        if (revision !== seen) cluster = parseCluster(this.#keys.keys)
        seen = revision
        yield { type: 'snapshot', cluster, restored: false, endpoint: 'in-process' }
        // Woken by a change, or by the end.
        await sleep(this.#intervalMs, undefined, { signal: pause.wake.signal }).catch(() => undefined)
      }
    } finally {
      unwatch()
      signal.removeEventListener('abort', wake)
    }
  }
}

/** Returns the descriptor of a kind of DCS of which there is one, in this process. */
export function demoKind(dcs: Dcs): DcsKind {
  const { kind } = dcs
  return {
    name: kind,
    patroni: null,
    needed: { key: 'scope', how: kind },
    addresses: [],
    passwords: [],
    form: {},
    hasKeys: false,
    resolve: () => ({ value: { kind }, faults: [], warnings: [] }),
    identify: (_config, { scope }) => scope,
    describe: () => 'in this process',
    create: () => dcs,
  }
}
