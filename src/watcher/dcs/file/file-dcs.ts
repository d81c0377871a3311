/**
 * A cluster described in a file. It is read whenever its path is seen to change, and every interval besides. A reading
 * counts once the file has stood still: a second reading `SETTLE_MS` later shows the same, or `FAULTY_MS` later where
 * it is invalid, because writing in place begins with an empty file. A file that never stands still counts as it is
 * after an interval.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { resolve } from 'node:path'
import { now, within } from '../../../clock.ts'
import { formatProblem, type Problem } from '../../../config/file/problem.ts'
import { RouterError } from '../../../errors.ts'
import { readTextFile, type TextFile } from '../../../text-file.ts'
import { Wakeup } from '../wakeup.ts'
import { parseClusterFile } from './cluster-file.ts'
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import { KeyList } from '../key-list.ts'
import { PathWatch } from '../path-watch.ts'

export interface FileDcsOptions {
  readonly path: string
  /** How often the file is read although nothing is seen to change, and how long that may take. Milliseconds. */
  readonly intervalMs: number
}

/** A thousand members take a fifth of it. */
const MAX_BYTES = 1024 * 1024

const SETTLE_MS = 20
const FAULTY_MS = 200

/** So many problems are shown at once. */
const MAX_PROBLEMS = 20

/** What one reading of the file means. */
type Reading =
  | { readonly ok: true; readonly source: string; readonly keys: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly source: string; readonly error: RouterError }

export class FileDcs implements ClusterSource {
  readonly #path: string
  readonly #intervalMs: number
  #reading: Promise<TextFile> | null = null
  readonly #cluster = new KeyList((cluster, keys) => ({ ...cluster, hasLock: keys.has('leader') }))
  #leader: string | null = null
  /** Counts the leaders that the file has named one after the other; `null` is one of them. */
  #sessions = 0

  constructor({ path, intervalMs }: FileDcsOptions) {
    this.#path = resolve(path)
    this.#intervalMs = intervalMs
  }

  async *observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    const wakeup = new Wakeup()
    const watch = new PathWatch(this.#path, () => wakeup.wake())
    const aborted = (): boolean => signal.aborted
    let counts: Reading | null = null
    let candidate: { readonly reading: Reading; readonly since: number } | null = null
    /** Since when what is read differs from what counts. */
    let unsettledSince: number | null = null
    let dueAt = 0
    try {
      while (!aborted()) {
        const reading = await this.#read(watch, candidate?.reading ?? counts, signal)
        if (aborted()) return
        const at = now()
        if (reading.source === counts?.source) {
          candidate = unsettledSince = null
        } else {
          if (reading.source !== candidate?.reading.source) candidate = { reading, since: at }
          unsettledSince ??= at
          const settled = at - candidate.since >= (reading.ok ? SETTLE_MS : FAULTY_MS)
          if (settled || at - unsettledSince >= Math.max(this.#intervalMs, FAULTY_MS)) {
            counts = reading
            candidate = unsettledSince = null
            dueAt = at
          }
        }
        if (candidate === null && counts !== null && at >= dueAt) {
          dueAt = at + this.#intervalMs
          yield this.#observation(counts)
        }
        if (candidate === null) await wakeup.wait(Math.max(dueAt - now(), 0), signal)
        else await sleep(SETTLE_MS, undefined, { signal }).catch(() => undefined)
      }
    } finally {
      watch.close()
    }
  }

  /** Reads the file; if it is the same as `before` it is not parsed again. */
  async #read(watch: PathWatch, before: Reading | null, signal: AbortSignal): Promise<Reading> {
    // One reading at a time: where a file system hangs, each takes a thread of Node's few.
    this.#reading ??= watch
      .update()
      .then(() => readTextFile(this.#path, MAX_BYTES))
      .finally(() => (this.#reading = null))
    const file = await within(this.#reading, Math.max(this.#intervalMs, FAULTY_MS), signal)
    const source = JSON.stringify(file)
    if (source === before?.source) return before
    if (file?.kind !== 'text') {
      const reason = file === null ? 'is not read in time' : file.kind === 'missing' ? 'does not exist' : file.reason
      return { ok: false, source, error: this.#unusable(reason) }
    }
    const parsed = parseClusterFile(file.text, this.#path)
    if (parsed.ok) return { ok: true, source, keys: parsed.keys }
    return { ok: false, source, error: this.#unusable(`is not used: ${inOneLine(parsed.problems)}`) }
  }

  #unusable(reason: string): RouterError {
    return new RouterError('DCS_UNAVAILABLE', `the cluster file ${this.#path} ${reason}`)
  }

  #observation(reading: Reading): DcsObservation {
    const endpoint = this.#path
    if (!reading.ok) return { type: 'lost', endpoint, error: reading.error }
    const leader = reading.keys.get('leader') ?? null
    if (leader !== this.#leader) this.#sessions++
    this.#leader = leader
    const session = String(this.#sessions)
    const cluster = this.#cluster.apply(new Map([...reading.keys].map(([key, value]) => [key, { value, session }])))
    return { type: 'snapshot', cluster, restored: false, endpoint }
  }
}

function inOneLine(problems: readonly Problem[]): string {
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : []
  return [...problems.slice(0, MAX_PROBLEMS).map(formatProblem), ...more].join('; ')
}
