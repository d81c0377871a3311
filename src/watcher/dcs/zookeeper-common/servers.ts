/** The servers of an ensemble, one after the other. */
import { isIP } from 'node:net'
import { hostPort } from '../../../address.ts'
import { within } from '../../../clock.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { hostOf, nextEndpoint } from '../endpoints.ts'
import type { SessionEndpoints } from '../sessions.ts'
import type { ZooKeeperConnection } from './connection.ts'

/** Where the servers are, however that is known. */
export interface ServerList extends SessionEndpoints<ZooKeeperConnection> {
  /** Returns all of them, `host:port`, one at least. Rejects while none is known. */
  all(signal: AbortSignal): Promise<readonly string[]>
}

/** The DNS is waited for no longer: a name that is not resolved is dialled as it is. Milliseconds. */
const PATIENCE_MS = 1000

/** Servers that are configured. A name with several addresses is several servers, as for kazoo. */
export class NamedServers implements ServerList {
  readonly #named: readonly string[]
  readonly #lookups: Lookups
  #all: readonly string[]
  #current: string | null = null

  /** `named`: `host:port`, one at least. */
  constructor(named: readonly string[], lookups: Lookups) {
    this.#named = named
    this.#lookups = lookups
    this.#all = named
  }

  get name(): string {
    return this.#named.join(', ')
  }

  get size(): number {
    return this.#all.length
  }

  get notices(): readonly [] {
    return []
  }

  async all(signal: AbortSignal): Promise<readonly string[]> {
    const servers = await Promise.all(this.#named.map((server) => this.#serversOf(server, signal)))
    this.#all = [...new Set(servers.flat())]
    return this.#all
  }

  async next(signal: AbortSignal): Promise<string> {
    if (this.#current === null || this.#current === this.#all.at(-1)) await this.all(signal)
    this.#current = nextEndpoint({ seeds: this.#all, discovered: [], current: this.#current })
    return this.#current
  }

  async #serversOf(server: string, signal: AbortSignal): Promise<readonly string[]> {
    const host = hostOf(server)
    if (isIP(host) !== 0) return [server]
    // Why it is not resolved is reported when it is dialled.
    const addresses = await within(
      this.#lookups.addresses(host).catch(() => []),
      PATIENCE_MS,
      signal,
    )
    const port = Number(server.slice(server.lastIndexOf(':') + 1))
    return addresses === null || addresses.length < 2 ? [server] : addresses.map((address) => hostPort(address, port))
  }
}
