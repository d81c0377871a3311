import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { type Cluster, parseCluster } from '../../../src/watcher/cluster.ts'
import type { Member } from '../../../src/watcher/members/member.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import type { KeyWriter, Lease } from '../../support/patroni/key-writer.ts'
import type { PatroniDcs } from '../../support/patroni/dcs.ts'
import { until } from '../../support/until.ts'
import { configured, type ConfiguredOptions } from './configured.ts'
import { type Seen, SourceObserver } from './observer.ts'

/** What the keys of a cluster have been, as one who reads them all at once sees it. */
interface Model {
  readonly keys: ReadonlyMap<string, string>
  /** Which taking of the lock is the last one, from 1 on. */
  readonly taken: number
}

/**
 * Writes the keys of a cluster, knows every moment of their history, and compares what a source publishes with it.
 * Sessions of the lock are compared by their number: the first one that is published is 1.
 */
export class Scribe implements AsyncDisposable {
  readonly observer: SourceObserver
  readonly #writer: KeyWriter
  readonly #root: string
  /** In ZooKeeper nodes are deleted one by one, and members are told for some time after they have gone. */
  readonly #isZooKeeper: boolean
  #model: Model = { keys: new Map(), taken: 0 }
  /** In the order in which they can have been seen. */
  readonly #moments: Cluster[] = [momentOf({ keys: new Map(), taken: 0 })]
  readonly #leases = new Map<string, Lease>()
  readonly #rest: RestClient
  /** Whether a member's key outlives its lease, as a Pod does. */
  readonly #outlives: boolean

  /** Nothing is below the prefix of the cluster yet. */
  constructor(dcs: PatroniDcs, writer: KeyWriter, options: ConfiguredOptions & { readonly scope?: string } = {}) {
    const { scope = 'demo', ...rest } = options
    const [{ restApi }] = configured(dcs)
    this.#rest = new RestClient(restApi, 1000, new Lookups())
    const config = { ...configured(dcs, rest)[0], name: scope, scope }
    this.observer = new SourceObserver(createDcs(config, this.#rest))
    this.#writer = writer
    this.#isZooKeeper = dcs.name === 'zookeeper'
    this.#outlives = dcs.name === 'kubernetes'
    this.#root = `/service/${scope}`
  }

  /** The distinct clusters, in their order, from observation number `from` on. */
  published(from = 0): readonly Cluster[] {
    const clusters = this.observer.seen.slice(from).flatMap((one) => (one.type === 'snapshot' ? [one.cluster] : []))
    return clusters.filter((cluster, index) => cluster !== clusters[index - 1])
  }

  /** The sessions of the lock, in the order in which they were published. */
  get sessions(): readonly string[] {
    return [...new Set(this.published().flatMap(({ leader }) => leader?.session ?? []))]
  }

  async put(key: string, value: string | Buffer): Promise<void> {
    this.#becomes((keys) => keys.set(key, value.toString()))
    await this.#writer.put(`${this.#root}/${key}`, value)
  }

  async delete(key: string): Promise<void> {
    this.#becomes((keys) => keys.delete(key))
    await this.#writer.delete(`${this.#root}/${key}`)
  }

  /** Deletes the cluster; `above`: with what else is below that key. */
  async deleteAll(above = this.#root): Promise<void> {
    const { keys } = this.#model
    for (const key of this.#isZooKeeper ? [...keys.keys()].toSorted().toReversed() : [])
      this.#becomes((left) => left.delete(key))
    this.#becomes((left) => left.clear())
    await this.#writer.deleteBelow(above)
  }

  /** Writes the key of a member, on its lease. */
  async touch(member: string, value: string, ttlSeconds = 30): Promise<void> {
    this.#becomes((keys) => keys.set(`members/${member}`, value))
    await (await this.#lease(member, ttlSeconds)).touch(`${this.#root}/members/${member}`, value)
  }

  async lock(member: string, ttlSeconds = 30): Promise<void> {
    this.#becomes((keys) => keys.set('leader', member), 1)
    assert.ok(await (await this.#lease(member, ttlSeconds)).lock(`${this.#root}/leader`, member))
  }

  async unlock(member: string): Promise<void> {
    this.#becomes((keys) => keys.delete('leader'))
    await (await this.#lease(member)).unlock(`${this.#root}/leader`, member)
  }

  async renew(member: string): Promise<void> {
    await (await this.#lease(member)).renew()
  }

  /** Has the lease of a member end: its keys vanish, in any order. */
  async lapse(member: string): Promise<void> {
    const lease = await this.#lease(member)
    this.lapses(member)
    await lease.lapse()
  }

  /** Says that the lease of a member ends by itself. */
  lapses(member: string): void {
    this.#leases.delete(member)
    const { keys } = this.#model
    const lock = keys.get('leader') === member ? ['leader'] : []
    const own = this.#outlives ? lock : [`members/${member}`, ...lock]
    for (const key of own)
      this.#moments.push(momentOf({ ...this.#model, keys: new Map([...keys].filter(([k]) => k !== key)) }))
    this.#becomes((all) => own.forEach((key) => all.delete(key)))
  }

  /** Keeps what there is; what it returns restores that. */
  async keep(): Promise<() => Promise<void>> {
    const kept = this.#model
    const restore = await this.#writer.keep()
    return async () => {
      this.#become(kept)
      await restore()
    }
  }

  /** Waits until what is published last, from observation number `from` on, is what there is now. */
  async settle(from = 0): Promise<Cluster> {
    const wanted = momentOf(this.#model)
    let last: Seen | undefined
    try {
      return await until('it is published', () => {
        last = this.observer.seen.slice(from).at(-1)
        return last?.type === 'snapshot' && isDeepStrictEqual(this.#numbered(last.cluster), wanted) && last.cluster
      })
    } catch {
      assert.deepEqual(last?.type === 'snapshot' ? this.#numbered(last.cluster) : last, wanted)
      throw new Error('it was published too late')
    }
  }

  /** Asserts that each published cluster is one of the moments, in their order. */
  verify(): void {
    let now = 0
    for (const cluster of this.published().map((one) => this.#numbered(one))) {
      const found = this.#moments.findIndex((_, index) => index >= now && this.#fits(cluster, index))
      // Shows how it differs.
      if (found < 0) assert.deepEqual(cluster, this.#moments.slice(now), 'no moment was so')
      now = found
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.observer.stop()
    await this.#rest.close()
  }

  #fits(cluster: Cluster, index: number): boolean {
    const moment = this.#moments[index]
    if (!this.#isZooKeeper || moment === undefined) return isDeepStrictEqual(cluster, moment)
    const before = this.#moments.slice(0, index).toReversed()
    const members = cluster.members.filter(
      (member) => isNamed(moment.members, member) || !isDeepStrictEqual(member, lastOf(before, member.name)),
    )
    const ignoredKeys = cluster.ignoredKeys.filter((key) => moment.ignoredKeys.some((one) => one.key === key.key))
    return isDeepStrictEqual({ ...cluster, members, ignoredKeys }, moment)
  }

  #becomes(change: (keys: Map<string, string>) => unknown, takings = 0): void {
    const keys = new Map(this.#model.keys)
    change(keys)
    this.#become({ keys, taken: this.#model.taken + takings })
  }

  #become(model: Model): void {
    this.#model = model
    this.#moments.push(momentOf(model))
  }

  #numbered(cluster: Cluster): Cluster {
    const { leader } = cluster
    const number = leader === null ? '' : String(this.sessions.indexOf(leader.session) + 1)
    return leader === null ? cluster : { ...cluster, leader: { ...leader, session: number } }
  }

  async #lease(member: string, ttlSeconds = 30): Promise<Lease> {
    const lease = this.#leases.get(member) ?? (await this.#writer.lease(ttlSeconds))
    this.#leases.set(member, lease)
    return lease
  }
}

function isNamed(members: readonly Member[], { name }: Member): boolean {
  return members.some((member) => member.name === name)
}

/** The member as it was last. */
function lastOf(before: readonly Cluster[], name: string): Member | undefined {
  for (const { members } of before) {
    const found = members.find((member) => member.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

function momentOf({ keys, taken }: Model): Cluster {
  return parseCluster(new Map([...keys].map(([key, value]) => [key, { value, session: String(taken) }])))
}
