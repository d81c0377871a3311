/** The servers of an ensemble, one after the other. */
import { nextEndpoint } from '../endpoints.ts'
import type { SessionEndpoints } from '../sessions.ts'
import type { ZooKeeperConnection } from './connection.ts'

/** Where the servers are, however that is known. */
export interface ServerList extends SessionEndpoints<ZooKeeperConnection> {
  /** Returns all of them, `host:port`, one at least. Rejects while none is known. */
  all(signal: AbortSignal): readonly string[] | Promise<readonly string[]>
}

/** Servers that do not change. */
export class FixedServers implements ServerList {
  readonly #all: readonly string[]
  #current: string | null = null

  /** `all`: `host:port`, one at least. */
  constructor(all: readonly string[]) {
    this.#all = all
  }

  get name(): string {
    return this.#all.join(', ')
  }

  get size(): number {
    return this.#all.length
  }

  get notices(): readonly [] {
    return []
  }

  all(): readonly string[] {
    return this.#all
  }

  next(): string {
    this.#current = nextEndpoint({ seeds: this.#all, discovered: [], current: this.#current })
    return this.#current
  }
}
