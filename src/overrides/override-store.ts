/** The overrides and holds of all clusters: what a person has decided, until when, and over reloads and restarts. */
import { MAX_TIMER_MS, now } from '../clock.ts'
import { NO_OVERRIDES, type OverrideState, type Overrides } from '../override.ts'
import { type Log, logLines } from '../text/log-line.ts'
import { printable } from '../text/printable.ts'
import {
  applied,
  type Change,
  endings,
  expired,
  keptLineOf,
  limited,
  lineOf,
  type Listeners,
  nextEnd,
  renamed,
  type Why,
  withoutPlace,
} from './changes.ts'
import { MAX_BY, type OverridesByCluster, overridesFile } from './kept-overrides.ts'
import { OverridesFile } from './overrides-file.ts'
import { type RouterPlace } from '../state-dir.ts'

export interface OverrideStoreDeps {
  readonly log: Log
  /** Returns the log of a cluster. */
  readonly logOf: (cluster: string) => Log
  /** Has the new ones of a cluster take effect, before it returns. */
  readonly changed: (cluster: string) => void
  /** Between a write that failed and the next; milliseconds, 10 s by default. */
  readonly retryMs?: number
}

/** How a change was kept: in the file; in memory only, without a `state_dir`; or why it is not in the file. */
export type Kept = { readonly kind: 'kept' | 'no-state-dir' } | { readonly kind: 'failed'; readonly reason: string }

export class OverrideStore {
  readonly #deps: OverrideStoreDeps
  #all: OverridesByCluster = new Map()
  #place: RouterPlace | null
  #file: OverridesFile | null
  /** One for all: it goes off at the next end. */
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  /** Reads nothing yet. `place`: null: nothing is kept over a restart. */
  constructor(place: RouterPlace | null, deps: OverrideStoreDeps) {
    this.#deps = deps
    this.#place = place
    this.#file = this.#fileAt(place)
  }

  /** Takes what an earlier run has left for these listeners, as far as its time is not over. Never rejects. */
  async load(listeners: Listeners): Promise<void> {
    const kept = (await this.#file?.load()) ?? new Map()
    if (kept.size === 0 || this.#isClosed) return
    this.#all = limited(kept, now())
    this.#take(expired(this.#all, now()), 'expired')
    this.#take(withoutPlace(this.#all, listeners), 'removed')
    for (const change of endings(this.#all)) logLines(this.#deps.logOf(change.cluster), [keptLineOf(change)])
    for (const cluster of this.#all.keys()) this.#deps.changed(cluster)
    this.#setTimer()
  }

  /** Returns those of a cluster. */
  of(cluster: string): Overrides {
    return this.#all.get(cluster) ?? NO_OVERRIDES
  }

  /** Sets or renews the override of a member; `forMs`: null: until it is ended. */
  async setMember(
    cluster: string,
    member: string,
    { state, forMs, by }: { readonly state: OverrideState; readonly forMs: number | null; readonly by: string },
  ): Promise<Kept> {
    const before = this.of(cluster).members.get(member) ?? null
    const time = now()
    // How long it has been so already does not change when it is renewed.
    const since = before?.state === state ? before.since : time
    const after = { state, by: printable(by, MAX_BY), since, until: forMs === null ? null : time + forMs }
    return this.#act([{ kind: 'override', cluster, member, before, after }], { by: after.by })
  }

  /** Ends the override of a member; where there is none nothing happens. */
  async endMember(cluster: string, member: string, by: string): Promise<Kept> {
    const before = this.of(cluster).members.get(member) ?? null
    if (before === null) return this.#act([], { by })
    return this.#act([{ kind: 'override', cluster, member, before, after: null }], { by: printable(by, MAX_BY) })
  }

  /** Holds the new clients of these listeners for a time, or from now for another time. */
  async hold(cluster: string, listeners: readonly string[], forMs: number, by: string): Promise<Kept> {
    const time = now()
    const changes = listeners.map((listener): Change => {
      const before = this.of(cluster).holds.get(listener) ?? null
      const after = { by: printable(by, MAX_BY), since: before?.since ?? time, until: time + forMs }
      return { kind: 'hold', cluster, listener, before, after }
    })
    return this.#act(changes, { by })
  }

  /** Ends the holds of these listeners, where there are any. */
  async release(cluster: string, listeners: readonly string[], by: string): Promise<Kept> {
    const changes = listeners.flatMap((listener): Change[] => {
      const before = this.of(cluster).holds.get(listener)
      return before === undefined ? [] : [{ kind: 'hold', cluster, listener, before, after: null }]
    })
    return this.#act(changes, { by: printable(by, MAX_BY) })
  }

  /**
   * Follows another configuration: what is of a cluster or a listener that is gone ends. To be called before the clusters take it.
   * `renaming`: the former and the next name of a cluster that stays.
   */
  reconfigure(listeners: Listeners, place: RouterPlace | null, renaming: readonly [string, string] | null): void {
    if (renaming !== null) this.#all = renamed(this.#all, ...renaming)
    const before = this.#file
    const isElsewhere = pathOf(this.#place) !== pathOf(place)
    if (isElsewhere) {
      this.#place = place
      this.#file = this.#fileAt(place)
    }
    this.#take(withoutPlace(this.#all, listeners), 'removed')
    if (isElsewhere) void this.#move(before)
    else void this.#save()
  }

  /** Writes them at the place that is new. Never rejects. */
  async #move(before: OverridesFile | null): Promise<void> {
    const file = this.#file
    await file?.replaceLeft()
    const failure = (await file?.save(this.#all)) ?? null
    // A router that is started there again must not find what is long over; but until then it is all that is kept.
    const isDone = failure === null && before?.path !== pathOf(this.#place)
    await (isDone ? before?.remove() : before?.close())
  }

  /** Waits for the last write, for a time. Overrides and holds stay in the file. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#endTimer()
    await this.#file?.close()
  }

  async #act(changes: readonly Change[], why: Why): Promise<Kept> {
    this.#take(changes, why)
    const failure = await this.#save()
    if (failure !== null) return { kind: 'failed', reason: failure }
    return { kind: this.#file === null ? 'no-state-dir' : 'kept' }
  }

  #take(changes: readonly Change[], why: Why): void {
    if (changes.length === 0) return
    this.#all = applied(this.#all, changes)
    this.#setTimer()
    for (const cluster of new Set(changes.map((change) => change.cluster))) this.#deps.changed(cluster)
    for (const change of changes) logLines(this.#deps.logOf(change.cluster), [lineOf(change, why)])
  }

  async #save(): Promise<string | null> {
    return this.#file === null ? null : await this.#file.save(this.#all)
  }

  #setTimer(): void {
    this.#endTimer()
    const at = nextEnd(this.#all)
    if (at === null || this.#isClosed) return
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(at - now(), 1), MAX_TIMER_MS))
  }

  #expire(): void {
    this.#take(expired(this.#all, now()), 'expired')
    this.#setTimer()
    void this.#save()
  }

  #endTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #fileAt(place: RouterPlace | null): OverridesFile | null {
    const { log, retryMs } = this.#deps
    return place === null ? null : new OverridesFile({ place, log, ...(retryMs === undefined ? {} : { retryMs }) })
  }
}

function pathOf(place: RouterPlace | null): string | null {
  return place === null ? null : overridesFile(place)
}
