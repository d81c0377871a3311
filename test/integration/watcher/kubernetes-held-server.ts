import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { KubernetesObserver, type KubernetesSettings, LABELS, memberOf } from './kubernetes-observer.ts'

function whole(name: string, version: number, annotations: object): object {
  return {
    metadata: {
      ...{ name, resourceVersion: String(version), labels: { ...LABELS, 'cluster-name': 'demo' }, annotations },
      managedFields: [{ manager: 'x' }],
    },
    ...{ kind: 'Whole', spec: { containers: [] }, subsets: [{}], data: { leader: 'pg9' } },
  }
}

/** Stands for an API server that gives whole objects, and behind a proxy that holds back what does not end: watches. */
export class HeldServer implements AsyncDisposable {
  /** Of each list. */
  version = 7
  /** Of the lock, which is never renewed. Seconds. */
  ttl = 30
  readonly lists: URL[] = []
  /** Answers a watch; without it nothing does. */
  onWatch: ((url: URL, response: ServerResponse) => void) | null = null
  #leader = 'pg0'
  #changed = 5
  readonly #server: Server
  readonly #directory: string
  readonly #stack = new AsyncDisposableStack()

  private constructor(directory: string) {
    this.#directory = directory
    const record = { renewTime: 'r', acquireTime: 'a', transitions: '0' }
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://x')
      if (url.searchParams.has('watch')) {
        this.onWatch?.(url, response)
        return
      }
      this.lists.push(url)
      const item = url.pathname.endsWith('/pods')
        ? whole('pg0', 5, { status: JSON.stringify(memberOf(1)) })
        : whole('demo', this.#changed, { ...record, leader: this.#leader, ttl: String(this.ttl) })
      response.end(JSON.stringify({ metadata: { resourceVersion: String(this.version) }, items: [item] }))
    })
    this.#stack.defer(() => {
      this.#server.close().closeAllConnections()
    })
  }

  /** @param directory for its kubeconfigs. */
  static async start(directory: string): Promise<HeldServer> {
    const server = new HeldServer(directory)
    await once(server.#server.listen(0, '127.0.0.1'), 'listening')
    return server
  }

  /** Changes the holder of the lock. */
  lead(name: string): void {
    this.#leader = name
    this.#changed = ++this.version
  }

  /** Observes it until it ends itself. */
  observe(settings: KubernetesSettings = {}): KubernetesObserver {
    const { port } = this.#server.address() as AddressInfo
    const file = join(this.#directory, `held-${port}.yml`)
    const [cluster, user] = [{ server: `http://127.0.0.1:${port}` }, { token: 'x' }]
    const contexts = [{ name: 'a', context: { cluster: 'a', user: 'a' } }]
    const [clusters, users] = [[{ name: 'a', cluster }], [{ name: 'a', user }]]
    writeFileSync(file, JSON.stringify({ 'current-context': 'a', contexts, clusters, users }))
    return this.#stack.use(new KubernetesObserver(file, settings))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
