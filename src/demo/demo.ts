/** The demo without its screen: the cluster, and the real router in front of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RouterStatus } from '../admin/status.ts'
import { hasPrimary, statusJson } from '../admin/status/json.ts'
import { explain, RouterError } from '../errors.ts'
import type { Router } from '../router.ts'
import { MAX_SOCKET_PATH_BYTES } from '../unix-socket.ts'
import { DEMO_PACE, DemoCluster, SCOPE } from './cluster.ts'
import { Events } from './events.ts'
import type { Pace } from './patroni/patroni.ts'

export interface DemoStart {
  /** Where the router listens; 0: any port. */
  readonly port: number
  readonly replicaPort: number
  readonly version: string
  readonly pid: number
  readonly pace?: Pace
  /** The current step, to be shown while the demo starts. */
  readonly progress: (text: string) => void
  /** An unexpected error, which ends the demo. */
  readonly failed: (error: unknown) => void
  /** Ends a start that is under way. */
  readonly signal: AbortSignal
}

/** How often the DCS reports to the router that nothing has changed. */
const CONFIRM_MS = 1000
/** To find the primary and both replicas. It continues without them, too. */
const PATIENCE_MS = 30_000
const PREFIX = 'pr-demo-'

export class Demo {
  readonly cluster: DemoCluster
  readonly events: Events
  readonly socketPath: string
  readonly #router: Router
  readonly #directory: string
  #closing: Promise<void> | null = null

  private constructor(parts: { cluster: DemoCluster; events: Events; router: Router; directory: string }) {
    this.cluster = parts.cluster
    this.events = parts.events
    this.#router = parts.router
    this.#directory = parts.directory
    this.socketPath = socketIn(parts.directory)
  }

  /** Starts everything and waits until it serves. Rejects with a RouterError, and nothing is left then. */
  static async start(options: DemoStart): Promise<Demo> {
    const { port, replicaPort, version, pid, pace = DEMO_PACE, progress, failed, signal } = options
    const directory = await makeDirectory()
    let cluster: DemoCluster | null = null
    let demo: Demo | null = null
    try {
      // The router is loaded while PostgreSQL starts in its own thread.
      const loading = import('./router.ts')
      loading.catch(() => undefined) // It is awaited below.
      const events = new Events()
      progress('starting PostgreSQL (PGlite, in WebAssembly) and three members ...')
      const tell = (text: string): void => events.add('cluster', text)
      cluster = await DemoCluster.start({ pace, tell, failed, signal })
      progress('starting the router ...')
      const { buildRouter } = await loading
      const socketPath = socketIn(directory)
      const dcs = cluster.dcs(CONFIRM_MS)
      const router = buildRouter({ scope: SCOPE, port, replicaPort, socketPath, dcs, events, version, pid })
      demo = new Demo({ cluster, events, router, directory })
      await router.start()
      await demo.#settled(signal)
      return demo
    } catch (error) {
      if (demo !== null) await demo.close()
      else await Promise.all([cluster?.close(), remove(directory)])
      throw error
    }
  }

  status(): RouterStatus {
    return this.#router.status()
  }

  /** Returns where the router listens, in the order of its listeners: the primary, the replicas. */
  get ports(): readonly number[] {
    const listeners = this.status().clusters[0]?.proxy?.listeners ?? []
    return listeners.map(({ address }) => Number(/\d+$/.exec(address)?.[0]))
  }

  /** Returns the URL of the page; null: its port is in use. */
  get page(): string | null {
    const [address] = this.status().http?.addresses ?? []
    return address === undefined ? null : `http://${address}/`
  }

  /** Ends everything at once, and leaves nothing behind. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#router.close()
    await this.cluster.close()
    await remove(this.#directory)
  }

  /** Resolves when the router has found the primary and both replicas, or has tried for long enough. */
  async #settled(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    const isWhole = (): boolean => {
      const status = this.status()
      const replicas = status.clusters[0]?.view.members.filter(({ replica }) => replica.fit) ?? []
      return hasPrimary(statusJson(status)) && replicas.length === this.cluster.members.length - 1
    }
    while (!isWhole() && performance.now() < deadline) await sleep(20, undefined, { signal })
  }
}

/** Makes a directory for the admin socket, whose path the system limits. Rejects with BIND_FAILED. */
async function makeDirectory(): Promise<string> {
  const parent = tmpdir()
  const bytes = Buffer.byteLength(socketIn(join(parent, `${PREFIX}XXXXXX`)))
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    const limit = `a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes, and one in there would have ${bytes}`
    throw new RouterError('BIND_FAILED', `the temporary directory ${parent} (TMPDIR) is too long: ${limit}`)
  }
  try {
    return await mkdtemp(join(parent, PREFIX))
  } catch (cause) {
    const failure = `the demo cannot make a directory in ${parent} (set TMPDIR to another place)`
    throw new RouterError('BIND_FAILED', `${failure}: ${explain(cause)}`, { cause })
  }
}

async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

function socketIn(directory: string): string {
  return join(directory, 'admin.sock')
}
