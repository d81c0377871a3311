import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TempDir } from '../../test/support/files/temp.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'
import { until } from '../../test/support/until.ts'
import { scopeOf } from './scope.ts'
import type { Order, Report, Turned } from './watchers-main.ts'

const OPEN_MS = 120_000

/** The process of the watchers of many clusters. */
export class Watchers implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #dir: TempDir
  readonly #clusters: number
  /** When each member was opened last. */
  readonly #opens = new Map<string, number>()

  private constructor(child: ChildProcess, dir: TempDir, clusters: number) {
    this.#child = child
    this.#dir = dir
    this.#clusters = clusters
    child.on('message', (report: Report) => {
      if (report.type === 'open') this.#opens.set(report.member, report.at)
    })
  }

  /** Starts it; it observes nothing yet. */
  static async start(dcs: PatroniDcs, clusters: number): Promise<Watchers> {
    const dir = TempDir.create('watchers')
    const file = join(dir.path, 'config.yml')
    writeFileSync(file, JSON.stringify(configOf(dcs, clusters)))
    const options = {
      execArgv: ['--import', join(import.meta.dirname, 'young-generation.ts')],
      env: { ...dcs.env?.() },
    }
    const child = fork(join(import.meta.dirname, 'watchers-main.ts'), [file], options)
    const [report] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown]
    const watchers = new Watchers(child, dir, clusters)
    if (typeof report === 'object' && report !== null) return watchers
    await watchers[Symbol.asyncDispose]()
    throw new Error('the process of the watchers has ended')
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Has it observe all clusters, or measure the turns of its event loop. */
  order(order: Exclude<Order, 'answer'>): void {
    this.#child.send(order)
  }

  /** Returns the longest turn since it began to measure, and ends that. */
  async turned(): Promise<Turned> {
    const { promise, resolve } = Promise.withResolvers<Turned>()
    const onReport = (report: Report): void => {
      if (report.type === 'turns') resolve(report)
    }
    this.#child.on('message', onReport)
    try {
      this.#child.send('answer' satisfies Order)
      return await promise
    } finally {
      this.#child.off('message', onReport)
    }
  }

  /** Waits until a member is opened; when that was. */
  open(cluster: number, member: string, since: number): Promise<number> {
    return until(
      `${member} of ${scopeOf(cluster)} is open`,
      () => {
        const at = this.#opens.get(member) ?? 0
        return at >= since && at
      },
      { timeoutMs: OPEN_MS, everyMs: 2 },
    )
  }

  /** Waits until a member of each cluster is opened; when those were. */
  async opened(memberIn: (cluster: number) => string, since: number): Promise<readonly number[]> {
    const opens: number[] = []
    for (let cluster = 0; cluster < this.#clusters; cluster++)
      opens.push(await this.open(cluster, memberIn(cluster), since))
    return opens
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#dir.remove()
  }
}

function configOf(dcs: PatroniDcs, clusters: number): Record<string, unknown> {
  const names = Array.from({ length: clusters }, (_, cluster) => scopeOf(cluster))
  const { namespace = 'service' } = dcs
  // None is bound here.
  const listeners = names.map((cluster) => [cluster, { bind: '127.0.0.1:0', route: 'primary', cluster }])
  return {
    ...{ namespace, [dcs.name]: dcs.section() },
    clusters: Object.fromEntries(names.map((name) => [name, {}])),
    proxy: { listeners: Object.fromEntries(listeners) as object },
  }
}
