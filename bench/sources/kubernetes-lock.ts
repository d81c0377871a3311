import type { KubernetesDcs } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import { holderOf, labelsOf, parseKey } from '../../test/support/kubernetes/patroni-objects.ts'

const TTL_S = 30

/** The leader lock of a cluster in Kubernetes, each change of which is one request, as Patroni makes it. */
export class KubernetesLock {
  readonly #dcs: KubernetesDcs
  readonly #at: { readonly namespace: string; readonly resource: string; readonly name: string }
  readonly #labels: Readonly<Record<string, string>>
  #transitions = 0

  /** @param key of the leader, such as `/default/demo/leader`. */
  constructor(dcs: KubernetesDcs, key: string) {
    const { rest, ...whose } = parseKey(key)
    this.#dcs = dcs
    this.#labels = labelsOf(whose)
    this.#at = { namespace: whose.namespace, ...holderOf({ ...whose, useEndpoints: dcs.useEndpoints }, rest) }
  }

  /** Makes the object of a cluster that has none. */
  async create(leader: string): Promise<void> {
    const { namespace, resource, name } = this.#at
    const metadata = { name, labels: this.#labels, annotations: this.#record(leader) }
    await this.#dcs.client.create(resource, namespace, { metadata })
  }

  async give(leader: string): Promise<void> {
    this.#transitions++
    await this.#annotate(this.#record(leader))
  }

  /** Renews the lease. @param more other annotations that change with it, such as `optime`. */
  async renew(more: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#annotate({ renewTime: new Date().toISOString(), ...more })
  }

  #record(leader: string): Record<string, string> {
    const now = new Date().toISOString()
    return { leader, ttl: String(TTL_S), renewTime: now, acquireTime: now, transitions: String(this.#transitions) }
  }

  async #annotate(annotations: Readonly<Record<string, string>>): Promise<void> {
    const { namespace, resource, name } = this.#at
    await this.#dcs.client.patch(resource, namespace, name, { metadata: { annotations } })
  }
}
