/** How late the turns of the event loop come: measured natively, for as long as it can be seen. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks'

export interface EventLoopDelayReport {
  /** The worse ones of the present window of 30 s and the one before. Milliseconds. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Part of the present window in which the event loop waited. Percent. */
  readonly idlePercent: number
}

/** How often a sample is taken, which is part of each. Milliseconds. */
const RESOLUTION_MS = 20

const WINDOW_MS = 30_000

/** What is read of Node's own histogram. Nanoseconds. */
export type Delays = Pick<ReturnType<typeof monitorEventLoopDelay>, 'count' | 'max' | 'percentile'>

type Delay = Omit<EventLoopDelayReport, 'idlePercent'>

const NOTHING: Delay = { medianMs: 0, p99Ms: 0, maxMs: 0 }

export class EventLoopDelay {
  #running: {
    /** At the beginning of the window. */
    readonly since: EventLoopUtilization
    readonly monitor: ReturnType<typeof monitorEventLoopDelay>
    readonly timer: NodeJS.Timeout
    readonly before: Delay
  } | null = null

  /** Begins to measure. Idempotent. */
  start(): void {
    if (this.#running !== null) return
    const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    const timer = setInterval(() => this.#roll(), WINDOW_MS).unref()
    this.#running = { monitor, timer, before: NOTHING, since: performance.eventLoopUtilization() }
    monitor.enable()
  }

  /** Ends it. Idempotent. */
  stop(): void {
    if (this.#running === null) return
    clearInterval(this.#running.timer)
    this.#running.monitor.disable()
    this.#running = null
  }

  /** Returns what was measured; null: it does not run. */
  report(): EventLoopDelayReport | null {
    if (this.#running === null) return null
    const { before, monitor, since } = this.#running
    const { utilization } = performance.eventLoopUtilization(since)
    return { ...withWindow(before, monitor), idlePercent: 100 * (1 - utilization) }
  }

  #roll(): void {
    if (this.#running === null) return
    const { monitor } = this.#running
    const since = performance.eventLoopUtilization()
    this.#running = { ...this.#running, since, before: withWindow(NOTHING, monitor) }
    monitor.reset()
  }
}

/** Returns the report of two windows, of which `before` is that of the first one. */
export function withWindow(before: Delay, window: Delays): Delay {
  if (window.count === 0) return before
  return {
    medianMs: Math.max(before.medianMs, delayOf(window.percentile(50))),
    p99Ms: Math.max(before.p99Ms, delayOf(window.percentile(99))),
    maxMs: Math.max(before.maxMs, delayOf(window.max)),
  }
}

/** Returns how late a sample was that has come so long after the one before. Milliseconds. */
function delayOf(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
}
