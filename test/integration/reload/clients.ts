/** The clients of a router that is reloaded: who has a session, and who keeps it. */
import type { ClusterConfig, Config, ListenerConfig } from '../../../src/config/config.ts'
import type { ProxyStatus } from '../../../src/proxy/status.ts'
import type { RouterStatus } from '../../../src/admin/status.ts'
import { until } from '../../support/until.ts'
import { Client } from './client.ts'
import { type Counts, countsOf } from './snapshot.ts'

/** The oldest leave when there are more. */
const MOST = 24

interface Connected {
  readonly client: Client
  readonly cluster: number
  readonly listener: ListenerConfig
  readonly address: ClusterConfig['proxy']['address']
  /** After so many reloads. */
  readonly since: number
}

/** A listener, with the cluster that it belongs to. */
interface Place {
  readonly cluster: number
  readonly listener: ListenerConfig
  readonly proxy: ClusterConfig['proxy']
}

export class Clients {
  #config: Config
  /** Of the clusters, by their names: a single one may be called otherwise afterwards, and is the same. */
  #ids: ReadonlyMap<string, number>
  #nextId: number
  #all: Connected[] = []
  #reloads = 0

  constructor(config: Config) {
    this.#config = config
    this.#ids = new Map(config.clusters.map(({ name }, index) => [name, index]))
    this.#nextId = this.#ids.size
  }

  /** Returns the handles of sockets that they cost the router, by type. */
  get cost(): Counts {
    const open = this.#all.filter(({ client }) => !client.isClosed)
    const accepted = open.map(({ client: { bind } }) => (bind.kind === 'unix' ? 'PipeWrap' : 'TCPSocketWrap'))
    const dialled = open.filter(({ client }) => client.server !== null).map(() => 'TCPSocketWrap')
    return countsOf([...accepted, ...dialled])
  }

  /** Has one more client on each listener, on its addresses in turns; `status`: of the router, which of them serve. */
  async connect(status: () => RouterStatus): Promise<void> {
    const present = status()
    const wanted = this.#places().map((place) => ({ place, isServed: isServing(present, place.listener) }))
    const begun = wanted.flatMap(({ place, isServed }) => {
      const { binds } = place.listener
      const bind = binds[this.#reloads % binds.length]
      // Where none is held, one that is not served is refused.
      if (bind === undefined || (!isServed && place.proxy.hold.timeoutMs === 0)) return []
      return [{ ...this.#begin(place, bind), isServed }]
    })
    const isRight = ({ client, isServed }: (typeof begun)[number]): boolean =>
      (client.server !== null) === isServed && !client.isClosed
    await until('new clients are served, or held', () => begun.every(isRight)).catch((error: unknown) => {
      throw new Error(
        begun
          .filter((each) => !isRight(each))
          .map(shown)
          .join('; '),
        { cause: error },
      )
    })
    this.#all.push(...begun)
    // A client that has not been accepted yet ends with the address, if the next reload takes that away.
    const unserved = (): number => this.#all.filter(({ client }) => client.server === null).length
    await until('those that are not served are held', () => heldBy(status()) === unserved())
    for (const { client } of this.#all.splice(0, Math.max(0, this.#all.length - MOST))) client.end()
  }

  /**
   * Begins to connect where a listener serves now and is to serve, at the same address, after the next reload as well; returns what
   * waits until all of them are served.
   */
  race(next: Config, status: RouterStatus): () => Promise<void> {
    const places = new Map(this.#places(next, this.#after(next)).map((place) => [keyOf(place), place]))
    const begun = this.#places().flatMap((place) => {
      const after = places.get(keyOf(place))
      if (after === undefined || !isServing(status, place.listener)) return []
      // A primary that has another address is held until it is confirmed there, and a member may be let go.
      const isSame = after.proxy.address === place.proxy.address && isSameChoice(place.listener, after.listener)
      const mayWait = [place, after].every(({ proxy }) => proxy.hold.timeoutMs > 0)
      const [bind] = place.listener.binds.filter((one) => after.listener.binds.some((other) => isSameBind(one, other)))
      return isSame && mayWait && bind !== undefined ? [this.#begin(place, bind)] : []
    })
    return async () => {
      const isServed = ({ client }: Connected): boolean => client.server !== null
      await until('who has connected meanwhile is served', () => begun.every(isServed)).catch((error: unknown) => {
        throw new Error(
          begun
            .filter((each) => !isServed(each))
            .map(shown)
            .join('; '),
          { cause: error },
        )
      })
      for (const { client } of begun) client.end()
    }
  }

  /** Takes note of a reload that was applied, checks the sessions that stay, and waits for the end of the others. */
  async follow(next: Config): Promise<void> {
    this.#ids = this.#after(next)
    this.#nextId = Math.max(this.#nextId, ...[...this.#ids.values()].map((id) => id + 1))
    this.#config = next
    this.#reloads++
    const places = new Map(this.#places().map((place) => [keyOf(place), place]))
    const isStaying = (each: Connected): boolean => {
      const place = places.get(keyOf(each))
      // A client that is held has no member yet.
      return place !== undefined && (place.proxy.address === each.address || each.client.server === null)
    }
    const { staying = [], leaving = [] } = Object.groupBy(this.#all, (each) =>
      isStaying(each) ? 'staying' : 'leaving',
    )
    this.#all = staying
    const lives = staying.map((each) => {
      const { client } = each
      const answers = client.server === null ? (): boolean => !client.isClosed : client.ping()
      return { ...each, answers }
    })
    await until('those that stay are alive', () => lives.every(({ answers }) => answers())).catch((error: unknown) => {
      throw new Error(
        lives
          .filter(({ answers }) => !answers())
          .map(shown)
          .join('; '),
        { cause: error },
      )
    })
    await until('the others have ended', () => leaving.every(({ client }) => client.isClosed))
  }

  end(): void {
    for (const { client } of this.#all) client.end()
    this.#all = []
  }

  #begin({ cluster, listener, proxy: { address } }: Place, bind: ListenerConfig['binds'][number]): Connected {
    return { client: Client.to(bind), cluster, listener, address, since: this.#reloads }
  }

  #after({ clusters }: Config): ReadonlyMap<string, number> {
    const [only] = this.#ids.values()
    const renamed = this.#ids.size === 1 && clusters.length === 1 ? only : undefined
    return new Map(clusters.map(({ name }, index) => [name, this.#ids.get(name) ?? renamed ?? this.#nextId + index]))
  }

  #places(config = this.#config, ids = this.#ids): readonly Place[] {
    return config.clusters.flatMap(({ name, proxy }) =>
      proxy.listeners.map((listener) => ({ cluster: ids.get(name) ?? -1, listener, proxy })),
    )
  }
}

/** Returns what a session has to find again after a reload. */
function keyOf({ cluster, listener: { name, route } }: Pick<Place, 'cluster' | 'listener'>): string {
  return JSON.stringify([cluster, name, route])
}

function isSameBind(one: ListenerConfig['binds'][number], other: ListenerConfig['binds'][number]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Returns whether both listeners choose the same members. */
function isSameChoice(one: ListenerConfig, other: ListenerConfig): boolean {
  const choice = ({ tags, maxLagBytes, fallback }: ListenerConfig): string =>
    JSON.stringify([tags, maxLagBytes, fallback])
  return choice(one) === choice(other)
}

/** Returns how many clients are held. */
function heldBy({ clusters }: RouterStatus): number {
  return clusters.reduce((sum, { proxy }) => sum + (proxy?.held.connections ?? 0), 0)
}

/** Returns whether a client of a listener gets a session at once. */
function isServing({ clusters }: RouterStatus, { name }: ListenerConfig): boolean {
  const listeners: ProxyStatus['listeners'] = clusters.flatMap(({ proxy }) => proxy?.listeners ?? [])
  const listener = listeners.find((each) => each.name === name)
  return listener !== undefined && (listener.fallback || listener.members.some(({ fit }) => fit))
}

function shown({ client, listener: { name, route }, since }: Connected): string {
  return `${name} (${route}), since ${since}: ${client.what}`
}
