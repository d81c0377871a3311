/** The servers of a ZooKeeper, as an Exhibitor lists them over HTTP (exhibitor.py, `ExhibitorEnsembleProvider`). */
import { setTimeout as sleep } from 'node:timers/promises'
import { hostPort } from '../../../address.ts'
import { MAX_TIMER_MS, within } from '../../../clock.ts'
import { explain, RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { asObject, asText, listOf, parseJson } from '../../../text/unknown-shape.ts'
import { nextEndpoint } from '../endpoints.ts'
import { HttpConnection } from '../http/connection.ts'
import { askOnce } from '../rotation.ts'
import { portOf } from '../section-values.ts'
import type { ZooKeeperConnection } from '../zookeeper-common/connection.ts'
import type { ServerList } from '../zookeeper-common/servers.ts'
import type { ExhibitorConfig } from './section.ts'

const PATH = '/exhibitor/v1/cluster/list'

/** As Patroni waits for one. Milliseconds. */
const TIMEOUT_MS = 3100

/** The list is not read more often. Milliseconds. */
const MIN_POLL_MS = 1000

/** The list is waited for no longer while servers are known. Milliseconds. */
const PATIENCE_MS = 200

export class Ensemble implements ServerList {
  readonly #config: Pick<ExhibitorConfig, 'hosts' | 'port' | 'pollMs'>
  readonly #lookups: Lookups
  /** The last list, `host:port`; empty: nothing yet. */
  #servers: readonly string[] = []
  #current: string | null = null

  /** Asks nothing yet. */
  constructor(config: Pick<ExhibitorConfig, 'hosts' | 'port' | 'pollMs'>, lookups: Lookups) {
    this.#config = config
    this.#lookups = lookups
  }

  get name(): string {
    return `the servers that Exhibitor lists at ${this.#config.hosts.join(', ')}`
  }

  get size(): number {
    return Math.max(1, this.#servers.length)
  }

  get notices(): readonly [] {
    return []
  }

  /** Gives the next server; the list is read while none is known, and once a round. Rejects where none is known. */
  async next(signal: AbortSignal): Promise<string> {
    const isRound = this.#current === null || this.#current === this.#servers.at(-1)
    // Servers that are known wait for no Exhibitor: a list that comes later counts then.
    if (isRound && this.#servers.length === 0) await this.#read(signal)
    else if (isRound)
      await within(
        this.#read(signal).catch(() => undefined),
        PATIENCE_MS,
        signal,
      )
    this.#current = nextEndpoint({ seeds: this.#servers, discovered: [], current: this.#current })
    return this.#current
  }

  /** Reads the list again from time to time, until the connection is closed. A server that is gone shows that itself. Never rejects. */
  async keep({ closed }: ZooKeeperConnection): Promise<void> {
    const pauseMs = Math.min(Math.max(this.#config.pollMs, MIN_POLL_MS), MAX_TIMER_MS)
    try {
      for (;;) {
        await sleep(pauseMs, undefined, { signal: closed })
        // The list before stays.
        await this.#read(closed).catch(() => undefined)
      }
    } catch {
      // The connection is closed.
    }
  }

  /** Returns all servers, reading the list where none is known. Rejects where none is. */
  async all(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#servers.length === 0) await this.#read(signal)
    return this.#servers
  }

  /** Reads the list at one Exhibitor after the other: those on the servers themselves first, as Patroni does. Rejects where nothing is known. */
  async #read(signal: AbortSignal): Promise<void> {
    const { hosts, port } = this.#config
    const known = this.#servers.map((server) => server.replace(/:\d+$/, ''))
    const all = [...new Set([...known, ...hosts.map((host) => hostPort(host, port).replace(/:\d+$/, ''))])]
    const failures: string[] = []
    let last: unknown = null
    for (const host of all) {
      const endpoint = `${host}:${port}`
      try {
        this.#servers = await this.#ask(endpoint, signal)
        return
      } catch (error) {
        signal.throwIfAborted()
        last = error
        failures.push(`${endpoint}: ${explain(error)}`)
      }
    }
    if (this.#servers.length > 0) return
    throw new RouterError('DCS_UNAVAILABLE', `no Exhibitor lists the servers of ZooKeeper (${failures.join('; ')})`, {
      cause: last,
    })
  }

  /** Reads the list at one Exhibitor. Rejects unless a server at least is in it. */
  async #ask(endpoint: string, signal: AbortSignal): Promise<readonly string[]> {
    const target = { endpoint, certificates: null, verifies: true, lookups: this.#lookups }
    const connect = (): HttpConnection => new HttpConnection({ ...target, headers: {}, timeoutMs: TIMEOUT_MS })
    const { status, text } = await askOnce(connect, signal, (connection) => connection.get(PATH))
    if (status !== 200) throw new RouterError('DCS_UNAVAILABLE', `it answers ${status}`)
    const { servers, port } = asObject(parseJson(text)) ?? {}
    const [names, number] = [listOf(servers).flatMap((name) => asText(name) ?? []), portOf(port)]
    if (number === null || names.length === 0)
      throw new RouterError('DCS_UNAVAILABLE', 'its answer names no servers: {"servers": [...], "port": 2181}')
    return names.toSorted().map((name) => hostPort(name, number))
  }
}
