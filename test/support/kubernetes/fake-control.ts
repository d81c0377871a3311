import type { KubernetesClient } from './client.ts'
import type { Faults } from './fake/faults.ts'
import { until } from '../until.ts'

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

  /** Waits until it has given that many more answers of a kind, such as `get endpoints kubernetes 200`, or `401`. */
  async answered(what: string, times: number): Promise<void> {
    const count = async (): Promise<number> => {
      const { text } = await this.#client.request('GET', '/fake/answers')
      return (JSON.parse(text) as Readonly<Record<string, number>>)[what] ?? 0
    }
    const before = await count()
    await until(`it has answered ${what} ${times} times`, async () => (await count()) >= before + times)
  }

  /** Writes Endpoints past all rules, such as those of the API servers on a loopback address. */
  async writeEndpoints(namespace: string, name: string, fields: object): Promise<void> {
    await this.#client.call('PUT', '/fake/endpoints', { body: { ...fields, metadata: { namespace, name } } })
  }
}
