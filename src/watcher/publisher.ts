/** Keeps the present view, and gives it to the log and the sinks when something in it has changed. */
import type { Logger } from 'pino'
import { logLines } from '../text/log-line.ts'
import { isSameView } from './compose-view.ts'
import type { Faults } from './faults.ts'
import { type Logged, NOTHING_LOGGED } from './log/line.ts'
import { linesFor } from './log/lines.ts'
import type { ClusterView } from './view.ts'

interface Sink {
  readonly name: string
  readonly take: (view: ClusterView) => void
  /** It has not taken the latest view: it is new, or has thrown. */
  isBehind: boolean
}

export class Publisher {
  readonly #faults: Faults
  readonly #log: Logger
  readonly #sinks = new Set<Sink>()
  #view: ClusterView
  #logged: Logged = NOTHING_LOGGED

  constructor(view: ClusterView, faults: Faults, log: Logger) {
    this.#view = view
    this.#faults = faults
    this.#log = log
  }

  get view(): ClusterView {
    return this.#view
  }

  /** Subscribes a sink, see `Watcher.subscribe`. */
  subscribe(name: string, take: (view: ClusterView) => void): () => void {
    const sink = { name, take, isBehind: true }
    this.#sinks.add(sink)
    return () => this.#sinks.delete(sink)
  }

  /**
   * Takes the next view, logs what has changed, and calls the sinks in their order; where nothing has changed, only those
   * that are behind. Never throws.
   */
  publish(next: ClusterView): void {
    const before = this.#view
    this.#view = next
    const isNew = !isSameView(before, next)
    if (isNew) this.#faults.call('log', () => this.#writeLines(before, next))
    for (const sink of this.#sinks) {
      // By the time of the last ones the first may have caused another one: they get the newest.
      if (isNew || sink.isBehind) sink.isBehind = !this.#faults.call(sink.name, () => sink.take(this.#view))
    }
  }

  #writeLines(before: ClusterView, after: ClusterView): void {
    const { lines, logged } = linesFor(before, after, this.#logged)
    this.#logged = logged
    logLines(this.#log, lines)
  }
}
