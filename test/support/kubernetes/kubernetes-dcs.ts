import type { PatroniDcs, SectionOptions } from '../patroni/dcs.ts'
import { WatchLog } from '../watch-log.ts'
import { type KubernetesClient, objectsPath } from './client.ts'
import {
  holderOf,
  keysIn,
  labelsOf,
  LABELS,
  parseKey,
  selectorQuery,
  type KubeKey,
  type KubePlace,
} from './patroni-objects.ts'
import { KubernetesServer, type KubernetesSettings } from './server.ts'

export interface KubernetesDcsSettings extends KubernetesSettings {
  /** Whether Patroni keeps its keys in Endpoints; in ConfigMaps without it. */
  readonly useEndpoints?: boolean
}

const CONTEXT = 'test'

/** Kubernetes, the fake or the real one, as Patroni's section `kubernetes` has it. There is no kubelet: Pods are made here. */
export class KubernetesDcs implements PatroniDcs {
  readonly name = 'kubernetes'
  /** Patroni's `namespace` is that of the objects. */
  readonly namespace = 'default'
  readonly server: KubernetesServer
  readonly useEndpoints: boolean

  private constructor(server: KubernetesServer, useEndpoints: boolean) {
    this.server = server
    this.useEndpoints = useEndpoints
  }

  /** As {@link KubernetesServer.start}. */
  static async start({ useEndpoints = false, ...settings }: KubernetesDcsSettings = {}): Promise<KubernetesDcs> {
    return new KubernetesDcs(await KubernetesServer.start(settings), useEndpoints)
  }

  get servers(): readonly KubernetesServer[] {
    return [this.server]
  }

  get client(): KubernetesClient {
    return this.server.client
  }

  /** How the server is reached stands in a kubeconfig, which {@link env} names. */
  section({ member }: SectionOptions = {}): Readonly<Record<string, unknown>> {
    // No address of this machine: Kubernetes refuses Endpoints on loopback.
    const podIp =
      member === undefined ? {} : { pod_ip: `192.0.2.${10 + (Number(/\d+$/.exec(member)?.[0] ?? 0) % 200)}` }
    const ports = [{ name: 'postgresql', port: 5432 }]
    return { labels: { ...LABELS }, context: CONTEXT, use_endpoints: this.useEndpoints, ...podIp, ports }
  }

  /** The password of a login is its token; without one everything may be done. */
  env({ ports, login }: SectionOptions = {}): Readonly<Record<string, string>> {
    const [port] = ports ?? []
    const KUBECONFIG = this.server.writeKubeconfig({
      context: CONTEXT,
      ...(port === undefined ? {} : { port }),
      ...((login ?? null) === null ? {} : { token: login?.password ?? '' }),
    })
    return { KUBECONFIG }
  }

  /** Makes the Pods of a cluster, as a StatefulSet would. */
  async prepare(key: string, members: readonly string[]): Promise<void> {
    for (const member of members) await makePod(this.client, parseKey(key), member)
  }

  async get(key: string): Promise<string | null> {
    const { rest, ...whose } = parseKey(key)
    const place = { ...whose, useEndpoints: this.useEndpoints }
    const { resource, name } = holderOf(place, rest)
    const object = await this.client.get(resource, place.namespace, name)
    return object === null ? null : (keysIn(place, resource, object).get(rest) ?? null)
  }

  /** A key counts as put when its value is another one: that a lease is renewed shows nowhere. */
  async watch(prefix: string): Promise<WatchLog> {
    const { namespace, scope, group } = parseKey(prefix)
    const place = { namespace, scope, group, useEndpoints: this.useEndpoints }
    const followers = ['pods', this.useEndpoints ? 'endpoints' : 'configmaps'].map(
      (resource) => new Follower(this.client, place, resource, prefix),
    )
    const log = new WatchLog(async (into, signal) => {
      const together = new AbortController()
      const both = AbortSignal.any([signal, together.signal])
      try {
        for (const follower of followers) await follower.list(into)
        into.accepted()
        await Promise.race(followers.map((follower) => follower.follow(into, both)))
      } finally {
        together.abort()
      }
    })
    await log.established
    return log
  }

  async close(): Promise<void> {
    await this.server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Makes the Pod of a member where there is none, without a status of Patroni's. @throws when it is another cluster's. */
export async function makePod(client: KubernetesClient, key: KubeKey, name: string): Promise<void> {
  const labels = labelsOf(key)
  const existing = await client.get('pods', key.namespace, name)
  if (existing === null) {
    const spec = { containers: [{ name: 'postgres', image: 'postgres' }] }
    await client.create('pods', key.namespace, { metadata: { name, labels }, spec })
    return
  }
  const other = Object.entries(labels).find(([label, value]) => existing.metadata.labels?.[label] !== value)
  if (other !== undefined) throw new Error(`Pod ${name} is another cluster's: its ${other[0]} is not ${other[1]}`)
}

/** What the keys of the objects of one resource are and were. */
class Follower {
  readonly #client: KubernetesClient
  readonly #place: KubePlace
  readonly #resource: string
  readonly #prefix: string
  readonly #keys = new Map<string, ReadonlyMap<string, string>>()
  #version = ''
  #isFirst = true

  constructor(client: KubernetesClient, place: KubePlace, resource: string, prefix: string) {
    this.#client = client
    this.#place = place
    this.#resource = resource
    this.#prefix = prefix
  }

  get #query(): string {
    return selectorQuery(labelsOf(this.#place))
  }

  /** Reads all; what is another than before has happened meanwhile. */
  async list(log: WatchLog): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(this.#resource, this.#place.namespace, this.#query)
    const names = new Set(items.map(({ metadata }) => metadata.name))
    for (const item of items) {
      this.#show(log, item.metadata.name, keysIn(this.#place, this.#resource, item), item.metadata.resourceVersion)
    }
    const gone = [...this.#keys.keys()].filter((name) => !names.has(name))
    for (const name of gone) this.#show(log, name, new Map(), resourceVersion)
    this.#version = resourceVersion
    this.#isFirst = false
  }

  /** Records changes until the watch ends. @throws when it cannot go on. */
  async follow(log: WatchLog, signal: AbortSignal): Promise<void> {
    const path = objectsPath(this.#resource, this.#place.namespace)
    const watch = await this.#client.watch(path, `${this.#query}&resourceVersion=${this.#version}`, { signal })
    for await (const { type, object } of watch.follow()) {
      if (type === 'ERROR' || type === 'BOOKMARK') return
      const keys = type === 'DELETED' ? new Map<string, string>() : keysIn(this.#place, this.#resource, object)
      this.#show(log, object.metadata.name, keys, object.metadata.resourceVersion)
    }
  }

  #show(log: WatchLog, name: string, keys: ReadonlyMap<string, string>, version: string): void {
    const before = this.#keys.get(name) ?? new Map<string, string>()
    this.#keys.set(name, keys)
    if (this.#isFirst) return
    const { namespace, scope, group } = this.#place
    const base = `/${namespace}/${scope}/${group === null ? '' : `${group}/`}`
    const record = (type: 'put' | 'delete', rest: string, value: string): void => {
      const key = base + rest
      if (key.startsWith(this.#prefix)) log.record({ type, key, value, modRevision: Number(version) })
    }
    for (const key of before.keys()) if (!keys.has(key)) record('delete', key, '')
    for (const [key, value] of keys) if (before.get(key) !== value) record('put', key, value)
  }
}
