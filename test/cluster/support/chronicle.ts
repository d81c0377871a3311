import { setTimeout as sleep } from 'node:timers/promises'
import { askStatus } from '../../../src/admin/client.ts'
import { renderStatus } from '../../../src/admin/status/text.ts'
import type { StatusJson } from '../../../src/admin/status/schema.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { LogLine, RouterProcess } from '../../support/router/process.ts'

/** A row of `patronictl list`. */
export interface Listed {
  readonly Member: string
  readonly Role: string
  readonly State: string
  readonly TL?: number | string
  readonly 'Lag in MB'?: number | string
}

/** What `status` said at one time. */
export interface Sample {
  readonly at: number
  readonly status: StatusJson
  readonly text: string
}

/** One event, as the log, `status` and patronictl show it. */
export interface Chapter {
  readonly title: string
  readonly log: readonly LogLine[]
  readonly samples: readonly Sample[]
  readonly listed: readonly Listed[]
}

/** Asks `status` all the time while something happens to a cluster, and keeps that beside the log. */
export class Chronicle {
  readonly chapters: Chapter[] = []
  readonly #cluster: PatroniCluster
  readonly #router: RouterProcess

  constructor(cluster: PatroniCluster, router: RouterProcess) {
    this.#cluster = cluster
    this.#router = router
  }

  /** What the log and `status` said during `what`, and what patronictl says at its end. */
  async record(
    title: string,
    what: (from: number) => Promise<unknown>,
    from = this.#router.log.length,
  ): Promise<Chapter> {
    const samples: Sample[] = []
    const over = new AbortController()
    const sampling = this.#sample(samples, over.signal)
    try {
      await what(from)
    } finally {
      over.abort()
      await sampling
    }
    const listed = await this.listed()
    const chapter = { title, log: this.#router.log.slice(from), samples, listed }
    this.chapters.push(chapter)
    return chapter
  }

  async listed(): Promise<readonly Listed[]> {
    return JSON.parse(await this.#cluster.patronictl('list', '--format', 'json')) as Listed[]
  }

  async status(): Promise<Sample> {
    const options = { timeoutMs: 5000, signal: AbortSignal.timeout(10_000) }
    const { status } = await askStatus(this.#router.socketPath, options)
    return { at: Date.parse(status.now), status, text: renderStatus(status) }
  }

  async #sample(samples: Sample[], over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      // While the router starts or ends nothing answers.
      const sample = await this.status().catch(() => null)
      if (sample !== null) samples.push(sample)
      await sleep(100, undefined, { signal: over }).catch(() => undefined) // Over.
    }
  }

  /** The table of events. */
  toString(): string {
    return this.chapters.map(chapterText).join('\n')
  }
}

function chapterText({ title, log, samples, listed }: Chapter): string {
  const heads = samples.map(({ text }) => (text.split('\n')[0] ?? '').replace(/ for [\d.dhms]+ /, ' '))
  const rows = listed.map(
    (row) => `${row.Member} ${row.Role} ${row.State} TL ${row.TL ?? ''} lag ${row['Lag in MB'] ?? ''}`,
  )
  return [
    `## ${title}`,
    ...log.map(({ time, level, msg }) => `log ${new Date(time).toISOString().slice(11, 23)} ${level} ${msg}`),
    ...heads.filter((head, at) => head !== heads[at - 1]).map((head) => `status ${head}`),
    ...rows.map((row) => `patronictl ${row}`),
  ].join('\n')
}
