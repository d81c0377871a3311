import type { KubernetesClient } from './client.ts'
import type { Faults } from './fake/faults.ts'

/** What only the fake does on demand. */
export class FakeControl {
  readonly #client: KubernetesClient

  constructor(client: KubernetesClient) {
    this.#client = client
  }

  /** Has it do these things wrong from now on, and nothing else: `{}` ends all faults. */
  async fail(faults: Partial<Faults>): Promise<void> {
    await this.#client.call('PUT', '/fake/faults', { body: faults })
  }

  /** Ends all watches in order. */
  async endWatches(): Promise<void> {
    await this.#client.call('POST', '/fake/end-watches')
  }

  /** Forgets what was before now, for watches: older versions get a 410 as an ERROR event, as after a restart. */
  async forget(): Promise<void> {
    await this.#client.call('POST', '/fake/forget')
  }

  /** Writes Endpoints past all rules, such as those of the API servers on a loopback address. */
  async writeEndpoints(namespace: string, name: string, fields: object): Promise<void> {
    await this.#client.call('PUT', '/fake/endpoints', { body: { ...fields, metadata: { namespace, name } } })
  }
}
