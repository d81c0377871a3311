import { Lookups } from '../../../src/names/lookups.ts'
import { kubernetesDcs } from '../../../src/watcher/dcs/kubernetes/kubernetes-dcs.ts'
import { type KubernetesConfig, RETRIABLE } from '../../../src/watcher/dcs/kubernetes/section.ts'
import type { KubernetesServer } from '../../support/kubernetes/server.ts'
import { SourceObserver } from './observer.ts'

export const INTERVAL_MS = 300
export const TIMEOUT_MS = 500

export interface KubernetesSettings {
  readonly config?: Partial<KubernetesConfig>
  readonly group?: number | null
  readonly scope?: string
  readonly namespace?: string
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly refreshMs?: number
  readonly serviceAccount?: string
  readonly followed?: readonly number[]
}

export const LABELS = { application: 'patroni' }

/** Records everything that Kubernetes tells of the cluster `demo`. */
export class KubernetesObserver extends SourceObserver {
  readonly lines: string[]

  constructor(
    kubeconfig: string | null,
    {
      config: more = {},
      group = null,
      scope = 'demo',
      namespace = 'default',
      intervalMs = INTERVAL_MS,
      timeoutMs = TIMEOUT_MS,
      followed = [],
      ...options
    }: KubernetesSettings = {},
  ) {
    const config: KubernetesConfig = {
      ...{ kind: 'kubernetes', objects: 'endpoints', labels: LABELS, scopeLabel: 'cluster-name', service: null },
      ...{ kubeconfig, home: '/nonexistent', context: null, caFile: null, bypassService: false, retriable: RETRIABLE },
      ...more,
    }
    const lines: string[] = []
    const tell = (_fields: object, message: string): void => void lines.push(message)
    const log = { debug: tell, info: tell, warn: tell, error: tell }
    const place = { namespace, scope, group }
    const prefix = `/${namespace}/${scope}/${group === null ? '' : `${group}/`}`
    const times = { intervalMs, timeoutMs }
    super(kubernetesDcs({ config, place, prefix, ...times, log, lookups: new Lookups(), followed, ...options }))
    this.lines = lines
  }

  get reasons(): string[] {
    return this.losses.map(({ error }) => error.message)
  }
}

export interface PlayOptions {
  readonly kind?: 'endpoints' | 'configmaps'
  readonly scope?: string
  readonly group?: number | null
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Writes the objects of a cluster as Patroni does. */
export class Play {
  readonly server: KubernetesServer
  readonly #kind: 'endpoints' | 'configmaps'
  readonly #base: string
  readonly #namespace: string
  readonly #labels: Readonly<Record<string, string>>
  #renewals = 0

  constructor(server: KubernetesServer, options: PlayOptions = {}) {
    const { kind = 'endpoints', scope = 'demo', group = null, namespace = 'default', labels = LABELS } = options
    this.server = server
    this.#kind = kind
    this.#namespace = namespace
    this.#base = group === null ? scope : `${scope}-${group}`
    this.#labels = { ...labels, 'cluster-name': scope, ...(group === null ? {} : { 'citus-group': String(group) }) }
  }

  get leaderName(): string {
    return this.#kind === 'endpoints' ? this.#base : `${this.#base}-leader`
  }

  /** Writes annotations of an object, which is made where it is not there: `config`, `sync`, `failover`, or `leader`. */
  async write(what: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    const name = what === 'leader' ? this.leaderName : `${this.#base}-${what}`
    await this.#put(this.#kind, name, annotations)
  }

  async member(name: string, value: object | string | null): Promise<void> {
    const status = value === null || typeof value === 'string' ? value : JSON.stringify(value)
    await this.#put('pods', name, status === null ? {} : { status }, {
      spec: { containers: [{ name: 'postgres', image: 'postgres' }] },
    })
  }

  /** Takes the lock, or changes its record. */
  async lead(
    name: string,
    { ttl = 30, transitions = 0, acquireTime = '2026-01-01T00:00:00+00:00' } = {},
  ): Promise<void> {
    const renewTime = `2026-01-01T00:00:00.${++this.#renewals}+00:00`
    const record = { leader: name, ttl: String(ttl), renewTime, acquireTime, transitions: String(transitions) }
    await this.write('leader', record)
  }

  /** Renews the lock, as each loop of Patroni does. */
  async renew(): Promise<void> {
    await this.write('leader', { renewTime: `2026-01-01T00:00:00.${++this.#renewals}+00:00` })
  }

  async remove(resource: 'pods' | 'endpoints' | 'configmaps', name: string): Promise<void> {
    await this.server.client.delete(resource, this.#namespace, name)
  }

  /** Deletes everything of the cluster. */
  async clear(): Promise<void> {
    const { client } = this.server
    for (const resource of ['pods', 'endpoints', 'configmaps'] as const)
      for (const { metadata } of (await client.list(resource, this.#namespace)).items)
        await this.remove(resource, metadata.name)
  }

  async #put(
    resource: string,
    name: string,
    annotations: Readonly<Record<string, string | null>>,
    more: object = {},
  ): Promise<void> {
    const { client } = this.server
    if ((await client.get(resource, this.#namespace, name)) === null) {
      const set = Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== null))
      await client.create(resource, this.#namespace, {
        metadata: { name, labels: this.#labels, annotations: set },
        ...more,
      })
    } else await client.patch(resource, this.#namespace, name, { metadata: { annotations } })
  }
}

export const SYSTEM_ID = '7268616322854375442'

/** The value of a member. */
export function memberOf(port: number, changes: object = {}): object {
  return {
    conn_url: `postgres://10.0.0.${port}:5432/postgres`,
    api_url: `http://10.0.0.${port}:8008/patroni`,
    ...{ state: 'running', role: 'replica', version: '3.0.2', xlog_location: 67_108_864, timeline: 1, ...changes },
  }
}
