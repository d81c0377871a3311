/**
 * A reload group: templates that are rendered, checked and committed together and reload once. Its passes are serial;
 * what changes during one is done in the next.
 */
import type { Logger } from 'pino'
import { MAX_TIMER_MS, now } from '../../clock.ts'
import type { TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import type { LookupCache } from '../lookup-cache.ts'
import { clustersOf, timingOf } from './grouping.ts'
import { PendingLookups } from './pending-lookups.ts'
import { logLines } from '../../text/log-line.ts'
import { leftOutLines, resultLines, type Result } from './log-lines.ts'
import { GroupApply, type GroupApplyDeps } from './apply.ts'
import type { LookupAnswers } from '../engine/template.ts'
import { type Inputs, Rendering } from './rendering.ts'
import {
  afterChange,
  afterLook,
  afterPass,
  afterResync,
  afterTake,
  nextPass,
  retryAt,
  UNSCHEDULED,
} from './debounce.ts'
import type { GroupState, GroupStatus, TemplateStatus } from '../status.ts'
import { Waiters } from './waiters.ts'

export interface GroupDeps extends GroupApplyDeps {
  /** What a template is rendered with now. */
  readonly inputs: (template: TemplateConfig, answers: LookupAnswers, readsContext: boolean) => Inputs
  /** Of what templates ask: see {@link PendingLookups}. */
  readonly lookups: LookupCache
  readonly log: Logger
}

export class Group {
  readonly #deps: GroupDeps
  readonly #timing
  readonly #renderings: readonly Rendering[]
  readonly #applying: GroupApply
  readonly #lookups: PendingLookups
  readonly #waiters = new Waiters()
  readonly #stop = new AbortController()
  #schedule = UNSCHEDULED
  #result: Result = { kind: 'waiting', reason: 'it has not begun yet' }
  #resultAt = now()
  #shown: { readonly state: GroupState; readonly since: number } = { state: 'waiting', since: now() }
  #timer: NodeJS.Timeout | null = null
  #passing: Promise<void> | null = null
  /** The last pass has left every file as it should be, and reloaded. */
  #isInPlace = false
  /** The pass that runs was made for a change. */
  #isChanging = false
  /** An urgent change is not taken up yet, as its answers are missing. */
  #isUrgent = false

  /** Starts nothing. */
  constructor(deps: GroupDeps) {
    this.#deps = deps
    this.#timing = timingOf(deps.templates)
    this.#renderings = deps.templates.map((template) => new Rendering(template))
    this.#applying = new GroupApply(deps)
    this.#lookups = new PendingLookups({
      answered: () => this.notice(false),
      fault: (error) => this.#fault(error),
      signal: this.#stop.signal,
      cache: deps.lookups,
    })
  }

  /** Settles what an earlier router was interrupted in, and begins with a full pass. Never rejects. */
  start(): void {
    this.#passing = this.#applying.recover().finally(() => this.#passed())
  }

  /** Renders what has changed, and has a pass made for it. `urgent`: the cluster has another leader or primary. Never throws. */
  notice(urgent: boolean): void {
    try {
      this.#notice(urgent)
    } catch {
      // It is no other group's trouble. A pass fails in the same way, which is told, and is tried again.
      if (this.#result.kind !== 'failed') this.resync()
    }
  }

  /** Has everything looked at again: source files, destinations, answers of the DNS. */
  resync(): void {
    this.#schedule = afterResync(this.#schedule)
    this.#arm()
  }

  /**
   * Resolves when what is known now is in the files and reloaded; not while the files are kept as they are. Rejects when
   * `signal` aborts, or the group is closed.
   */
  async settled(signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, this.#stop.signal])
    // An answer may be a change, too.
    while (this.#lookups.isAsking && !end.aborted) await this.#lookups.answered(end)
    if (!this.#isSettled()) await this.#waiters.wait(end)
  }

  status(): GroupStatus {
    const { state, since } = this.#shown
    const reload = this.#applying.reload
    return {
      name: this.#deps.group,
      clusters: clustersOf(this.#deps.templates),
      state,
      since,
      reason: 'reason' in this.#result ? this.#result.reason : state === 'in-sync' ? '' : 'a change is on its way',
      templates: this.#renderings.map((rendering) => this.#templateStatus(rendering)),
      reload,
      retryAt: retryAt(this.#schedule),
    }
  }

  /** Begins no more passes and waits for what runs: a check is ended, a reload has a little time. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the router ends'))
    this.#arm()
    await this.#applying.close(this.#passing)
    await this.#lookups.ended()
  }

  #notice(urgent: boolean): void {
    if (this.#stop.signal.aborted) return
    this.#isUrgent ||= urgent
    const updates = this.#renderings.map((rendering) => this.#update(rendering))
    const questions = updates.flatMap((update) => update.questions)
    if (updates.some(({ changed }) => changed)) {
      // What has been waited for since the start has waited long enough.
      const isFirst = this.#result.kind === 'waiting'
      this.#schedule = afterChange(this.#schedule, now(), this.#isUrgent || isFirst)
      this.#waiters.change()
    }
    if (questions.length > 0) this.#lookups.ask(questions)
    else this.#isUrgent = false
    this.#arm()
  }

  #update(rendering: Rendering): ReturnType<Rendering['update']> {
    const { leftOut, config, readsContext } = rendering
    const update = rendering.update(this.#deps.inputs(config, this.#lookups.answers, readsContext))
    logLines(this.#deps.log, leftOutLines(config.source, leftOut, rendering.leftOut))
    return update
  }

  /** Sets the timer for the next pass, or begins it. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#show()
    if (this.#passing !== null || this.#stop.signal.aborted) return
    const due = nextPass(this.#schedule, this.#timing)
    if (due === null) return
    const delay = due.at - now()
    if (delay > 0) this.#timer = setTimeout(() => this.#arm(), Math.min(delay, MAX_TIMER_MS))
    else this.#passing = this.#pass(due.full).finally(() => this.#passed())
  }

  #isSettled(): boolean {
    return this.#isInPlace && this.#passing === null && this.#schedule.change === null
  }

  #passed(): void {
    this.#passing = null
    this.#arm()
  }

  async #pass(full: boolean): Promise<void> {
    const beganAt = now()
    let worked = false
    try {
      // Not in the turn of whoever has told of a change: the watcher has the members to ask first.
      await (full ? this.#readAgain(beganAt) : null)
      this.#notice(false)
      this.#isChanging = this.#schedule.change !== null
      this.#schedule = afterTake(this.#schedule)
      const taken = this.#waiters.changes
      const rendered = this.#renderings.map(({ config, outcome }) => ({ template: config, outcome }))
      const placed = await this.#applying.apply(rendered)
      worked = placed.worked
      this.#conclude(placed.result.kind === 'failed' ? placed.result : (this.#sourceFailure() ?? placed.result))
      this.#isInPlace = placed.result.kind === 'in-sync'
      if (this.#isInPlace) this.#waiters.done(taken)
    } catch (error) {
      this.#isInPlace = false
      this.#fault(error)
      this.#conclude({ kind: 'failed', event: 'file-failed', destination: null, reason: explain(error), output: '' })
    }
    this.#isChanging = false
    const pass = { beganAt, endedAt: now(), worked, failed: this.#result.kind === 'failed' }
    this.#schedule = afterPass(this.#schedule, pass)
  }

  async #readAgain(at: number): Promise<void> {
    this.#schedule = afterLook(this.#schedule, at)
    this.#lookups.refresh()
    await Promise.all(this.#renderings.map((rendering) => rendering.load()))
  }

  /** A template that is no longer right, although files are still written with what it was before. */
  #sourceFailure(): Result | null {
    const broken = this.#renderings.find(({ sourceError }) => sourceError !== null)
    if (broken === undefined) return null
    const { destination } = broken.config
    return { kind: 'failed', event: 'template-failed', destination, reason: broken.sourceError ?? '', output: '' }
  }

  #conclude(result: Result): void {
    if (this.#stop.signal.aborted) return
    const at = now()
    logLines(this.#deps.log, resultLines(this.#deps.group, this.#result, result, at - this.#resultAt))
    if (this.#result.kind !== result.kind) this.#resultAt = at
    this.#result = result
  }

  #show(): void {
    const state = this.#state()
    if (state !== this.#shown.state) this.#shown = { state, since: now() }
  }

  #state(): GroupState {
    const { kind } = this.#result
    const isUnderWay = this.#isChanging || this.#schedule.change !== null
    if (kind === 'in-sync') return isUnderWay || this.#lookups.isAsking ? 'pending' : kind
    return kind === 'waiting' && isUnderWay ? 'pending' : kind
  }

  #templateStatus({ config, outcome, sourceError, renders, leftOut }: Rendering): TemplateStatus {
    const { source, destination } = config
    const { writtenAt, check } = this.#applying.statusOf(config)
    const own = this.#result.kind === 'failed' && this.#result.destination === destination ? this.#result.reason : null
    const error = sourceError ?? (outcome.kind === 'failed' ? outcome.reason : own)
    return { source, destination, renders, writtenAt, error, check, leftOut }
  }

  #fault(error: unknown): void {
    if (this.#stop.signal.aborted) return
    const message = `an unexpected error, please report it: ${explain(error)}`
    this.#deps.log.error({ event: 'fault', group: this.#deps.group, err: error }, message)
  }
}
