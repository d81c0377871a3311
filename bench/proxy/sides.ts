import type { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import type { HaproxyServer } from '../../test/support/proxies/haproxy.ts'
import { Haproxy } from '../../test/support/proxies/haproxy.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { usageOf } from '../process.ts'
import { Recorder } from '../run.ts'
import { INSTALLED_MAIN } from '../sizing/installed-router.ts'
import { PipeProcess } from './pipe-process.ts'

/** The ways to the primary that are compared. */
export const SIDES = ['router', 'haproxy', 'pipe', 'direct'] as const

export type Side = (typeof SIDES)[number]

/** A way to the primary: the port, and the process of the proxy there. */
export interface Way {
  readonly side: Side
  readonly port: number
  /** null: there is no proxy. */
  readonly pid: number | null
}

/** Connections that each proxy takes: more than any case needs. */
const MOST_CONNECTIONS = 8_000
/** Unless `--runs` is given. */
export const ROUNDS = 9

/** A router, HAProxy with one thread and the plain proxy, side by side before one primary. */
export class Sides implements AsyncDisposable {
  readonly ways: readonly Way[]
  readonly router: RouterProcess
  readonly haproxy: Haproxy
  readonly #stack: AsyncDisposableStack

  private constructor(
    stack: AsyncDisposableStack,
    { router, haproxy, ways }: { router: RouterProcess; haproxy: Haproxy; ways: readonly Way[] },
  ) {
    this.#stack = stack
    this.router = router
    this.haproxy = haproxy
    this.ways = ways
  }

  /** Starts all of them before the cluster, whose only member is the primary. */
  static async before(cluster: PatroniCluster): Promise<Sides> {
    const { scope, namespace } = cluster.settings
    const [primary] = cluster.members
    if (primary === undefined) throw new Error('a cluster of no members')
    return Sides.start(primary, { scope, namespace, ...cluster.access })
  }

  /** Starts all of them, and waits until the router has opened the primary; on an error nothing is left. */
  static async start(primary: HaproxyServer, config: Readonly<Record<string, unknown>>): Promise<Sides> {
    await using stack = new AsyncDisposableStack()
    const router = stack.use(await startRouter(config))
    const haproxy = stack.use(await startHaproxy(primary))
    const pipe = stack.use(await PipeProcess.start(primary.pgPort))
    await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
    const ways: readonly Way[] = [
      { side: 'router', port: router.primaryPort, pid: router.process.pid },
      { side: 'haproxy', port: haproxy.primaryPort, pid: haproxy.process.pid },
      { side: 'pipe', port: pipe.port, pid: pipe.process.pid },
      { side: 'direct', port: primary.pgPort, pid: null },
    ]
    return new Sides(stack.move(), { router, haproxy, ways })
  }

  /** Ends all processes and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** Starts the installed router. */
export async function startRouter(config: Readonly<Record<string, unknown>>): Promise<RouterProcess> {
  return RouterProcess.start({ config, main: INSTALLED_MAIN })
}

/** Starts HAProxy with one thread. */
export async function startHaproxy(primary: HaproxyServer): Promise<Haproxy> {
  return Haproxy.start([primary], { threads: 1, maxconn: MOST_CONNECTIONS, serverMaxconn: MOST_CONNECTIONS })
}

/** Does `work` for every way in turns, after a round that does not count; each round begins with another way. */
export async function inRounds(
  record: Recorder,
  ways: readonly Way[],
  rounds: number | null,
  work: (record: Recorder, ways: readonly Way[]) => Promise<void>,
): Promise<void> {
  const count = rounds ?? ROUNDS
  await work(new Recorder(0), ways)
  for (let round = 0; round < count; round++) {
    const first = round % ways.length
    await work(record, [...ways.slice(first), ...ways.slice(0, first)])
    record.progress(`round ${round + 1} of ${count}`)
  }
}

/** Returns the seconds of processor time that the proxy has used since its start; 0 without one. */
export function cpuSeconds({ pid }: Way): number {
  return pid === null ? 0 : usageOf(pid).cpuMs / 1000
}

/** Adds a sample of a way's proxy; direct has none. */
export function addOfProxy(record: Recorder, key: string, { side, pid }: Way, value: number): void {
  if (pid !== null) record.add(key, { [side]: value })
}
