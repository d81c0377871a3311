/** Track files: what keepalived is to know of the clusters, as files that say 1 or 0. */
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import type { TrackFileConfig } from '../config/config.ts'
import type { Reconfigurable } from '../part.ts'
import { judge, type ConditionResult } from '../watcher/condition.ts'
import { printable } from '../text/printable.ts'
import type { ClusterView } from '../watcher/view.ts'
import type { TrackFileStatus } from './status.ts'
import { TrackFile } from './track-file.ts'

export interface TrackDeps {
  readonly files: readonly TrackFileConfig[]
  readonly log: Logger
  /** How often the files are looked at; milliseconds, 2 s by default. */
  readonly lookMs?: number
}

const LOOK_MS = 2000
const MAX_REASON = 1000

interface Tracked {
  config: TrackFileConfig
  readonly file: TrackFile
  verdict: ConditionResult
  since: number
}

const UNKNOWN: ConditionResult = { holds: null, reason: 'nothing is known yet' }

export class Track implements Reconfigurable<readonly TrackFileConfig[]> {
  readonly #deps: TrackDeps
  #all: readonly Tracked[]
  /** The last of each cluster. */
  readonly #views = new Map<string, ClusterView>()
  /** Files that are no longer configured, while they are being closed. */
  readonly #leaving = new Set<Promise<void>>()
  #looking: NodeJS.Timeout | null = null
  #isOver = false

  /** Writes nothing yet. */
  constructor(deps: TrackDeps) {
    this.#deps = deps
    this.#all = deps.files.map((config) => this.#track(config))
  }

  /** Has every file say 0, and begins to look after them. Never rejects: a file that cannot be written is tried again. */
  async start(): Promise<void> {
    await Promise.all(this.#all.map(({ file }) => file.start()))
    if (!this.#isOver) this.#lookAfter()
  }

  #lookAfter(): void {
    if (this.#all.length === 0) {
      this.#endLooks()
      return
    }
    this.#looking ??= setInterval(() => {
      for (const { file } of this.#all) void file.look()
    }, this.#deps.lookMs ?? LOOK_MS)
  }

  #endLooks(): void {
    if (this.#looking !== null) clearInterval(this.#looking)
    this.#looking = null
  }

  /** Follows the view of a cluster. */
  apply(view: ClusterView): void {
    this.#views.set(view.name, view)
    for (const tracked of this.#all) if (tracked.config.cluster === view.name) this.#judge(tracked)
  }

  /**
   * Takes other files. A file that stays goes over from what it says to what its new condition says without a 0 in
   * between; a new one begins with 0, and a file that is no longer configured ends with it. Returns false once the
   * router ends.
   */
  reconfigure(next: readonly TrackFileConfig[]): boolean {
    if (this.#isOver) return false
    const before = new Map(this.#all.map((tracked) => [tracked.config.path, tracked]))
    this.#all = next.map((config) => Object.assign(before.get(config.path) ?? this.#track(config), { config }))
    for (const tracked of this.#all) {
      if (!before.delete(tracked.config.path)) void tracked.file.start()
      this.#judge(tracked)
    }
    for (const { file } of before.values()) {
      const closed = file.close().finally(() => this.#leaving.delete(closed))
      this.#leaving.add(closed)
    }
    this.#lookAfter()
    return true
  }

  /** Forgets the views of all other clusters: under their names others may come back later. */
  keepOnly(clusters: readonly string[]): void {
    for (const name of this.#views.keys()) if (!clusters.includes(name)) this.#views.delete(name)
  }

  #track(config: TrackFileConfig): Tracked {
    return { config, file: new TrackFile({ path: config.path, log: this.#deps.log }), verdict: UNKNOWN, since: now() }
  }

  #judge(tracked: Tracked): void {
    const { cluster, condition } = tracked.config
    const view = this.#views.get(cluster)
    if (!this.#isOver) this.#take(tracked, view === undefined ? UNKNOWN : judge(condition, view))
  }

  status(): readonly TrackFileStatus[] {
    return this.#all.map(({ config: { path, cluster, condition }, file, verdict: { holds, reason }, since }) => ({
      ...{ path, cluster, when: condition.name, member: condition.name === 'local-leader' ? condition.member : null },
      ...{ holds, reason, since, error: file.error },
    }))
  }

  /**
   * Has every file say 0 from now on, whatever comes: a router that ends holds no address. Resolves when they do, or have
   * failed once: that is tried again until it is closed. Never rejects. Idempotent.
   */
  async end(): Promise<void> {
    this.#isOver = true
    for (const tracked of this.#all) this.#take(tracked, { holds: false, reason: 'the router is shutting down' })
    await Promise.all(this.#all.map(({ file }) => file.settled()))
  }

  /** Ends as `end` does, and looks after nothing any more. Never rejects. Idempotent. */
  async close(): Promise<void> {
    await this.end()
    this.#endLooks()
    await Promise.all([...this.#all.map(({ file }) => file.close()), ...this.#leaving])
  }

  #take(tracked: Tracked, { holds, reason: said }: ConditionResult): void {
    const { config, file, verdict } = tracked
    const reason = printable(said, MAX_REASON)
    file.set(holds === true)
    tracked.verdict = { holds, reason }
    if (verdict.holds === holds) return
    tracked.since = now()
    if ((verdict.holds === true) === (holds === true)) return
    const fields = { event: 'track', file: config.path, value: holds === true ? 1 : 0, cluster: config.cluster, reason }
    const message = `${config.path} says ${fields.value}: ${reason}`
    if (holds === true || this.#isOver) this.#deps.log.info(fields, message)
    else this.#deps.log.warn(fields, message)
  }
}
