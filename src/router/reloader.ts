/** The configuration of a running router: loaded again on request, and watched for a file that differs from it. */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ConfigurationStatus } from '../admin/status.ts'
import { now, within } from '../clock.ts'
import { changesBetween, isSameConfig } from '../config/changes.ts'
import type { Config } from '../config/config.ts'
import type { LoadedConfig } from '../config/load.ts'
import { explain } from '../errors.ts'
import type { PartReport } from '../part.ts'
import { type Reloadable, type ReloadReport, SHUTTING_DOWN } from '../reload.ts'
import { logLines } from '../text/log-line.ts'
import { type ConfigReader, ConfigReading, type Found, type Reading } from './config-reading.ts'
import { reloadLines } from './reload-lines.ts'

export interface ReloaderDeps extends ConfigReader {
  /** What the router was started with. */
  readonly loaded: LoadedConfig
  /**
   * Takes another configuration: all of it, or, where a part has refused it, nothing. Returns no part while the router
   * ends.
   */
  readonly apply: (config: Config) => Promise<readonly PartReport[]>
  /**
   * Reads files that the configuration in force names: after each reload, a refused one too, since a token that is taken out of its
   * file must not count any longer. Returns what cannot be used. Never rejects.
   */
  readonly resync?: () => Promise<readonly string[]>
  /** Returns how many sessions end by another configuration. */
  readonly preview: (config: Config) => { readonly endingSessions: number }
  /** Is called when a reload begins. */
  readonly onBegin?: () => void
  /** Is called when it has ended, whatever came of it. */
  readonly onEnd?: (report: ReloadReport) => void
  readonly log: Logger
  readonly pace?: Partial<Pace>
}

/** Milliseconds. */
interface Pace {
  /** Between two looks at the file. */
  readonly lookMs: number
  /** Between the end of a reload and the beginning of the next: thousands of signals do not take the time of the sessions. */
  readonly pauseMs: number
  /** For reading the configuration. */
  readonly readMs: number
}

const PACE: Pace = { lookMs: 10_000, pauseMs: 250, readMs: 10_000 }

type Refused = Pick<ReloadReport, 'refusedBy' | 'problems'>

export class Reloader implements Reloadable {
  readonly #deps: ReloaderDeps
  readonly #pace: Pace
  readonly #reading: ConfigReading
  readonly #ended = new AbortController()
  #loaded: LoadedConfig
  #loadedAt = now()
  /** Of the files that were read last; null: they have to be read to be known. */
  #fingerprint: string | null = null
  #differs: { readonly since: number; readonly problems: readonly string[] } | null = null
  /** Of a refused reload, in the log already. */
  #loggedProblems: readonly string[] = []
  #counts = { reloads: 0, refusals: 0 }
  #last: ConfigurationStatus['lastReload'] = null
  /** Ends with the last reload that was requested. */
  #running: Promise<unknown> = Promise.resolve()
  /** A reload that has not begun: a request that comes now gets its report. */
  #waiting: Promise<ReloadReport> | null = null
  #isReloading = false

  /** Starts nothing. */
  constructor(deps: ReloaderDeps) {
    this.#deps = deps
    this.#pace = { ...PACE, ...deps.pace }
    this.#reading = new ConfigReading(deps, deps.log, this.#pace.readMs)
    this.#loaded = deps.loaded
  }

  /** Begins to look at the file now and then, until `close`. */
  start(): void {
    void this.#lookAgain()
  }

  /** Ends the looks. Later requests are refused; a reload that runs is not waited for. */
  close(): void {
    this.#ended.abort()
  }

  /** Reloads, once for all requests that come before it has begun. */
  reload(): Promise<ReloadReport> {
    this.#waiting ??= this.#enqueue()
    return this.#waiting
  }

  async preview(): Promise<ReloadReport> {
    await this.#running
    const startedAt = performance.now()
    const { found } = await this.#reading.read(this.#ended.signal)
    return this.#guarded(startedAt, () => this.#foreseen(found, startedAt))
  }

  /**
   * Compares the file with what is in force, if it was written since. Never rejects. Not to be called again before it has
   * resolved, which it does not where the file system does not answer.
   */
  async look(): Promise<void> {
    const isOvertaken = this.#overtaking()
    const fingerprint = await this.#deps.fingerprint()
    if (fingerprint === this.#fingerprint || isOvertaken()) return
    const reading = await this.#reading.read(this.#ended.signal)
    if (!isOvertaken()) this.#note(reading)
  }

  status(): ConfigurationStatus {
    return {
      file: fileOf(this.#loaded),
      loadedAt: this.#loadedAt,
      ...this.#counts,
      differsSince: this.#differs?.since ?? null,
      problems: this.#differs?.problems ?? [],
      lastReload: this.#last,
    }
  }

  #enqueue(): Promise<ReloadReport> {
    const reloaded = this.#running.then(() => {
      this.#waiting = null
      return this.#reload()
    })
    const { signal } = this.#ended
    const pause = (): Promise<unknown> => sleep(this.#pace.pauseMs, undefined, { signal }).catch(() => undefined) // It ends.
    this.#running = reloaded.then(pause)
    return reloaded
  }

  async #reload(): Promise<ReloadReport> {
    const startedAt = performance.now()
    this.#isReloading = true
    this.#deps.onBegin?.()
    const reading = await this.#reading.read(this.#ended.signal)
    const taken = await this.#guarded(startedAt, () => this.#take(reading.found, startedAt))
    const known = { problems: this.#loggedProblems, warnings: this.#loaded.warnings }
    logLines(this.#deps.log, reloadLines(taken, known))
    // These are in the log already.
    const report = { ...taken, warnings: [...taken.warnings, ...(await this.#resync())] }
    this.#loggedProblems = report.problems
    this.#last = { ...report, at: now() }
    if (report.outcome === 'refused') this.#counts = { ...this.#counts, refusals: this.#counts.refusals + 1 }
    else {
      this.#counts = { ...this.#counts, reloads: this.#counts.reloads + 1 }
      if (reading.found.ok) this.#loaded = reading.found
      if (report.outcome === 'applied') this.#loadedAt = now()
    }
    this.#note(reading, report.problems)
    this.#isReloading = false
    this.#deps.onEnd?.(report)
    return report
  }

  /** Returns what of other files cannot be used. They may be on a file system that does not answer. */
  async #resync(): Promise<readonly string[]> {
    const { signal } = this.#ended
    if (this.#deps.resync === undefined || signal.aborted) return []
    return (await within(this.#deps.resync(), this.#pace.readMs, signal)) ?? []
  }

  /** Applies what was read. */
  async #take(found: Found, startedAt: number): Promise<ReloadReport> {
    const hasEnded = (): boolean => this.#ended.signal.aborted
    if (hasEnded()) return this.#refused(ENDING, startedAt)
    const foreseen = this.#foreseen(found, startedAt)
    if (!found.ok || foreseen.outcome !== 'applied') return foreseen
    const parts = await this.#deps.apply(found.config)
    if (parts.length === 0) return this.#refused(ENDING, startedAt)
    // A watcher and its proxy are refused together.
    const problems = [...new Set(parts.filter(({ outcome }) => outcome === 'refused').map(refusal))]
    if (problems.length > 0) {
      const why: Refused = hasEnded() ? ENDING : { refusedBy: 'router', problems }
      return this.#refused(why, startedAt, found.warnings)
    }
    const warnings = [...found.warnings, ...parts.flatMap(({ reason }) => reason ?? [])]
    return { ...foreseen, warnings, tookMs: elapsed(startedAt) }
  }

  /** Returns what `work` does; a fault of the router in it is a refusal. */
  async #guarded(startedAt: number, work: () => ReloadReport | Promise<ReloadReport>): Promise<ReloadReport> {
    try {
      return await work()
    } catch (error) {
      this.#deps.log.error({ event: 'fault', err: error }, `reloading the configuration: ${explain(error)}`)
      const problems = [`an unexpected error, please report it: ${explain(error)}`]
      return this.#refused({ refusedBy: 'router', problems }, startedAt)
    }
  }

  /** Returns what comes of it if every part can take it. */
  #foreseen(found: Found, startedAt: number): ReloadReport {
    const { warnings } = found
    if (!found.ok) return this.#refused({ refusedBy: 'configuration', problems: found.problems }, startedAt, warnings)
    const changes = changesBetween(this.#loaded.settings, found.settings)
    const isSame = changes.length === 0
    const { endingSessions } = isSame ? { endingSessions: 0 } : this.#deps.preview(found.config)
    const outcome = isSame ? 'unchanged' : 'applied'
    const file = fileOf(found)
    return {
      ...{ outcome, refusedBy: null, file, problems: [], warnings, changes, endingSessions },
      tookMs: elapsed(startedAt),
    }
  }

  #refused({ refusedBy, problems }: Refused, startedAt: number, warnings: readonly string[] = []): ReloadReport {
    const file = fileOf(this.#loaded)
    return {
      ...{ outcome: 'refused', refusedBy, file, problems, warnings, changes: [], endingSessions: 0 },
      tookMs: elapsed(startedAt),
    }
  }

  /** Remembers whether the file differs from what is in force. `problems`: why it was refused. */
  #note({ found, fingerprint }: Reading, problems: readonly string[] = []): void {
    this.#fingerprint = fingerprint
    const isSame = found.ok && isSameConfig(this.#loaded.config, found.config)
    const why = found.ok ? problems : found.problems
    this.#differs = isSame ? null : { since: this.#differs?.since ?? now(), problems: why }
  }

  /** Returns what tells whether a reload has run since, or runs, and finds out more; or the router ends. */
  #overtaking(): () => boolean {
    const before = this.#running
    return () => this.#running !== before || this.#isReloading || this.#ended.signal.aborted
  }

  async #lookAgain(): Promise<void> {
    const options = { signal: this.#ended.signal, ref: false }
    const passed = (): Promise<boolean> => sleep(this.#pace.lookMs, true, options).catch(() => false) // The router ends.
    while (await passed()) await this.look()
  }
}

const ENDING: Refused = { refusedBy: 'router', problems: [SHUTTING_DOWN] }

/** Returns where it was read from, absolute. */
function fileOf({ config: { file } }: LoadedConfig): string | null {
  return file === null ? null : resolve(file)
}

function refusal({ part, name, reason }: PartReport): string {
  return `${name === null ? part : `cluster ${name}`}: ${reason ?? 'refused'}`
}

function elapsed(startedAt: number): number {
  return Math.round(performance.now() - startedAt)
}
