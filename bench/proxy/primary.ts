import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { createTables } from '../sizing/load.ts'
import { Sides } from './sides.ts'

/** A real cluster of one member, which uses little of the machine, with every proxy before it. */
export class PrimaryTestbed implements AsyncDisposable {
  readonly sides: Sides
  readonly #stack: AsyncDisposableStack

  private constructor(stack: AsyncDisposableStack, sides: Sides) {
    this.#stack = stack
    this.sides = sides
  }

  /** Starts everything, with the tables of pgbench; on an error nothing is left. */
  static async start(): Promise<PrimaryTestbed> {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const cluster = stack.use(await PatroniCluster.start({ dcs: etcd, members: 1, ttl: 30, loopWait: 10 }))
    await createTables((await cluster.leader()).pgPort)
    const sides = stack.use(await Sides.before(cluster))
    return new PrimaryTestbed(stack.move(), sides)
  }

  /** Ends all processes and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
