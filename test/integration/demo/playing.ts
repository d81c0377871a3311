import type { Pace } from '../../../src/demo/patroni/patroni.ts'
import { Demo } from '../../../src/demo/demo.ts'
import { until } from '../../support/until.ts'

/** The demo's cluster, five times as quick: nobody watches. */
const PACE: Pace = { ttlMs: 1000, loopMs: 150, wakeMs: 20, promoteMs: 60, stopMs: 300, startMs: 200 }

/** The demo without a screen, on ports of the kernel's choice. */
export class Playing implements AsyncDisposable {
  readonly running: Demo
  readonly primaryPort: number
  readonly replicaPort: number
  readonly #faults: unknown[]

  private constructor(running: Demo, faults: unknown[]) {
    this.running = running
    this.#faults = faults
    const [primaryPort = 0, replicaPort = 0] = running.ports
    this.primaryPort = primaryPort
    this.replicaPort = replicaPort
  }

  static async start(): Promise<Playing> {
    const faults: unknown[] = []
    const { signal } = new AbortController()
    const quiet = { progress: () => undefined, failed: (error: unknown) => void faults.push(error), signal }
    return new Playing(
      await Demo.start({ port: 0, replicaPort: 0, version: '0', pid: 1, pace: PACE, ...quiet }),
      faults,
    )
  }

  get leader(): string | null {
    return this.running.cluster.leader?.name ?? null
  }

  /** Of PostgreSQL. */
  portOf(name: string | null): number {
    return this.running.cluster.members.find((member) => member.name === name)?.ports.postgres ?? 0
  }

  /** Waits until the router serves from a primary other than `before` and, unless said otherwise, from two replicas. */
  async settled(before: string | null = null, replicas = 2): Promise<string> {
    return until(`the router serves from another primary than ${before ?? 'none'}`, () => {
      const view = this.running.status().clusters[0]?.view
      const fit = view?.members.filter(({ replica }) => replica.fit).length ?? 0
      const { state, member = null } = view?.primary ?? {}
      return state === 'open' && member !== before && fit >= replicas && member
    })
  }

  /** @throws what nobody has expected. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.close()
    if (this.#faults.length > 0) throw new AggregateError(this.#faults, 'the demo has failed')
  }
}
