import { join } from 'node:path'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { installedFiles } from '../../test/support/router/installed.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { type Usage, usageOf } from '../process.ts'

/** The compiled program: the one that is installed. */
export const INSTALLED_MAIN = join(installedFiles(), 'dist/main.js')

/** A real cluster of three members with the installed router before it. */
export class InstalledRouter implements AsyncDisposable {
  readonly cluster: PatroniCluster
  readonly router: RouterProcess
  readonly #stack: AsyncDisposableStack

  private constructor(stack: AsyncDisposableStack, cluster: PatroniCluster, router: RouterProcess) {
    this.#stack = stack
    this.cluster = cluster
    this.router = router
  }

  /** Starts everything, and waits until the primary is open; on an error nothing is left. */
  static async start(): Promise<InstalledRouter> {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const cluster = stack.use(await PatroniCluster.start({ dcs: etcd }))
    const router = stack.use(await RouterProcess.forCluster(cluster, { main: INSTALLED_MAIN }))
    await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
    return new InstalledRouter(stack.move(), cluster, router)
  }

  get usage(): Usage {
    return usageOf(this.router.process.pid)
  }

  /** Ends all processes and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
