/**
 * The endpoints of an etcd, of either API, and which etcd cluster is the one that is observed. An advertised URL can lead to another
 * one, whose keys, or their absence, say nothing about ours; only the configured endpoints say that ours was replaced.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_TIMER_MS, within } from '../../../clock.ts'
import { explain, RouterError } from '../../../errors.ts'
import type { DcsNotice } from '../dcs.ts'
import { allEndpoints, type Endpoints, endpointsOf, nextEndpoint } from '../endpoints.ts'
import { askOnce, type EndpointConnection } from '../rotation.ts'
import { NoRecords, type Services } from './srv-records.ts'

/** What an etcd says of itself. IDs are in hexadecimal, as its own log and `etcdctl member list` show them. */
export interface EtcdEndpoint extends EndpointConnection {
  readonly closed: AbortSignal
  /** Reads the client URLs that the members advertise. */
  clientUrls(): Promise<readonly string[]>
  /** Reads the ID of its etcd cluster, also without a quorum. */
  clusterId(): Promise<string>
  /** Reads the ID through the quorum: a node that is cut off from the others does not count. */
  certainClusterId(): Promise<string>
}

export interface DirectoryOptions<C extends EtcdEndpoint> {
  readonly config: {
    readonly endpoints: readonly string[]
    readonly protocol: 'http' | 'https'
    readonly useProxies: boolean
  }
  /** Finds the endpoints in the DNS, before which the configured ones do not count; null: those are all. */
  readonly services: Services | null
  /** Makes a connection of its own. @throws RouterError when the certificate files have never been of use. */
  readonly connect: (endpoint: string) => C
  /** How often the advertised URLs, and the cluster of each endpoint, are read. Milliseconds. */
  readonly everyMs: number
}

/**
 * Another etcd cluster is adopted when the configured endpoints have shown it, and nothing else, so often, with a pause
 * in between: an address that belongs to two of them in turns does not count. Milliseconds.
 */
const ADOPTION = { rounds: 5, pauseMs: 400 }

/** The DNS is waited for no longer while endpoints are known: its answer counts later. Milliseconds. */
const PATIENCE_MS = 1000

/** More endpoints are not asked whose they are. */
const MAX_ASKED = 32

export class EtcdDirectory<C extends EtcdEndpoint> {
  readonly #options: DirectoryOptions<C>
  #endpoints: Endpoints
  /** The etcd cluster that is observed: that of the first configured endpoint that could be read. */
  #ours: string | null = null
  /** Endpoints that lead to another etcd cluster, with its ID. */
  readonly #strangers = new Map<string, string>()
  #protocol: 'http' | 'https'
  /** Endpoints that were tried since one served, or the DNS was looked at. */
  #tried = 0
  /** Under way: resolves with why nothing was found; null: what was found counts. */
  #lookUp: Promise<RouterError | null> | null = null

  /** Asks nothing yet. */
  constructor(options: DirectoryOptions<C>) {
    this.#options = options
    const { endpoints, protocol } = options.config
    this.#endpoints = { seeds: options.services === null ? endpoints : [], discovered: [], current: null }
    this.#protocol = protocol
  }

  /** Returns what is shown instead of an endpoint while none is known. */
  get name(): string {
    return this.#options.services?.name ?? 'its endpoints'
  }

  /** Returns how many there are, at least one. */
  get size(): number {
    return Math.max(1, allEndpoints(this.#endpoints).length)
  }

  /** Returns by what all of them are reached. */
  get protocol(): 'http' | 'https' {
    return this.#protocol
  }

  /**
   * Continues with the next endpoint. As Patroni, looks at the DNS again when none of all endpoints has served. Rejects
   * where none is known, and once a round while the DNS no longer has any.
   */
  async next(signal: AbortSignal): Promise<string> {
    const { seeds } = this.#endpoints
    if (seeds.length === 0 || this.#tried >= this.size) {
      this.#tried = 0
      const failure = await this.#findSeeds(signal)
      if (failure instanceof NoRecords || (failure !== null && seeds.length === 0)) this.#fallBack(failure)
    }
    this.#tried++
    const current = nextEndpoint(this.#endpoints)
    this.#endpoints = { ...this.#endpoints, current }
    return current
  }

  /** Takes note of the etcd cluster to which an endpoint belongs. @throws RouterError when it is not the one that is observed. */
  admit(endpoint: string, clusterId: string): void {
    this.#note(endpoint, clusterId)
    if (!this.#strangers.has(endpoint)) return
    const way = this.#isSeed(endpoint)
      ? 'it is read when every configured endpoint that answers belongs to that one'
      : 'correct --advertise-client-urls of the etcd that advertises this address'
    throw new RouterError('DCS_UNAVAILABLE', `it belongs to another etcd cluster (${this.#ids(clusterId)}): ${way}`)
  }

  /** Returns a notice for each endpoint that belongs to another etcd cluster. */
  get notices(): readonly DcsNotice[] {
    return [...this.#strangers].map(([endpoint, id]) => {
      const url = `${this.#protocol}://${endpoint}`
      const what = this.#isSeed(endpoint) ? 'a configured endpoint' : 'an advertised client URL'
      return {
        event: 'foreign-etcd',
        subject: url,
        message: `${url}, ${what}, belongs to another etcd cluster (${this.#ids(id)}) and is not read`,
        over: `${url} no longer belongs to another etcd cluster`,
      }
    })
  }

  /**
   * Adopts, after `endpoint` could not be read, the etcd cluster to which all configured endpoints belong now, if this
   * is one of them. Never rejects.
   */
  async reconsider(endpoint: string, signal: AbortSignal): Promise<void> {
    if (this.#strangers.has(endpoint) && this.#isSeed(endpoint)) await this.#adopt(signal)
  }

  /**
   * Learns the advertised client URLs, as Patroni does, and whose all the endpoints are, until the connection is closed.
   * Calls `onMoved` when the configured endpoints have become those of another etcd cluster, and ends then. Never rejects.
   */
  async keep(connection: C, onMoved: (error: RouterError) => void): Promise<void> {
    const { useProxies } = this.#options.config
    const { closed } = connection
    this.#tried = 0
    while (!closed.aborted) {
      // What was found before remains; that there is nothing is reported when all endpoints fail.
      await this.#findSeeds(closed)
      // Without an answer the seeds and what was discovered before remain; a dead endpoint shows itself in the next read.
      const urls = useProxies ? null : await connection.clientUrls().catch(() => null)
      if (urls !== null) this.#endpoints = { ...this.#endpoints, discovered: endpointsOf(urls, this.#protocol) }
      await this.#identify(closed)
      if (this.#haveSeedsMoved() && (await this.#adopt(closed))) {
        onMoved(new RouterError('DCS_STALE', 'the configured endpoints belong to another etcd cluster now'))
        return
      }
      await sleep(this.#options.everyMs, undefined, { signal: closed }).catch(() => undefined)
    }
  }

  /**
   * Takes what the DNS says. Resolves with why that is nothing; null: it is something, or not known yet. Never rejects.
   */
  async #findSeeds(signal: AbortSignal): Promise<RouterError | null> {
    const { services } = this.#options
    if (services === null) return null
    this.#lookUp ??= services
      .find()
      .then(
        ({ endpoints, protocol }) => {
          this.#endpoints = { ...this.#endpoints, seeds: endpoints }
          this.#protocol = protocol
          return null
        },
        (error: unknown) => (error instanceof RouterError ? error : new RouterError('INTERNAL', explain(error))),
      )
      .finally(() => (this.#lookUp = null))
    const isKnown = this.#endpoints.seeds.length > 0
    return within(this.#lookUp, isKnown ? PATIENCE_MS : MAX_TIMER_MS, signal)
  }

  /** Takes the endpoints beside the DNS. @throws `failure` where there are none. */
  #fallBack(failure: RouterError): void {
    const { endpoints: seeds, protocol } = this.#options.config
    if (seeds.length === 0) throw failure
    this.#endpoints = { ...this.#endpoints, seeds }
    this.#protocol = protocol
  }

  #isSeed(endpoint: string): boolean {
    return this.#endpoints.seeds.includes(endpoint)
  }

  #ids(other: string): string {
    return `ID ${other}, not ${this.#ours ?? 'known'}`
  }

  #note(endpoint: string, clusterId: string): void {
    this.#ours ??= clusterId
    if (clusterId === this.#ours) this.#strangers.delete(endpoint)
    else this.#strangers.set(endpoint, clusterId)
  }

  /** Asks the others whose they are, so that one that leads elsewhere is known before it is needed. */
  async #identify(signal: AbortSignal): Promise<void> {
    const { current } = this.#endpoints
    const known = allEndpoints(this.#endpoints)
    for (const endpoint of this.#strangers.keys()) if (!known.includes(endpoint)) this.#strangers.delete(endpoint)
    const others = known.filter((endpoint) => endpoint !== current).slice(0, MAX_ASKED)
    const ids = await Promise.all(others.map((endpoint) => this.#ask(endpoint, (other) => other.clusterId(), signal)))
    for (const [index, endpoint] of others.entries()) {
      const id = ids[index] ?? null
      if (id !== null) this.#note(endpoint, id)
    }
  }

  /**
   * Returns whether no configured endpoint is known to be of the etcd cluster that is read, and one at least of
   * another.
   */
  #haveSeedsMoved(): boolean {
    const { seeds, current } = this.#endpoints
    const isOurs = seeds.some((seed) => seed === current && !this.#strangers.has(seed))
    return !isOurs && seeds.some((seed) => this.#strangers.has(seed))
  }

  /** Says whether another etcd cluster has been adopted. */
  async #adopt(signal: AbortSignal): Promise<boolean> {
    const shown = new Set<string>()
    for (let round = 0; round < ADOPTION.rounds; round++) {
      if (round > 0) await sleep(ADOPTION.pauseMs, undefined, { signal }).catch(() => undefined)
      const answers = this.#endpoints.seeds.map((seed) => this.#ask(seed, (other) => other.certainClusterId(), signal))
      const ids = (await Promise.all(answers)).filter((id) => id !== null)
      for (const id of ids) shown.add(id)
      if (signal.aborted || ids.length === 0 || shown.size > 1) return false
    }
    const [id = null] = shown
    if (id === null || id === this.#ours) return false
    this.#ours = id
    this.#strangers.clear()
    // They are of the one that was left.
    this.#endpoints = { ...this.#endpoints, discovered: [] }
    return true
  }

  /**
   * Reads the ID of an endpoint's cluster; null without an answer, which is reported when it is its turn to be read.
   */
  async #ask(
    endpoint: string,
    question: (connection: C) => Promise<string>,
    signal: AbortSignal,
  ): Promise<string | null> {
    return askOnce(() => this.#options.connect(endpoint), signal, question).catch(() => null)
  }
}
