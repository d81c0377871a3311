/**
 * A reload group: templates that are rendered, checked and committed together and reload once. Its passes are serial;
 * what changes during one is done in the next.
 */
import { EventEmitter, once } from 'node:events'
import { MAX_TIMER_MS, now } from '../../clock.ts'
import { explain } from '../../errors.ts'
import { logLines } from '../../text/log-line.ts'
import type { GroupStatus, TemplateStatus } from '../status.ts'
import { GroupApply, type GroupApplyDeps } from './apply.ts'
import {
  afterLook,
  afterNotice,
  afterPass,
  afterRender,
  afterResync,
  afterTake,
  type Due,
  nextPass,
  nextRender,
  retryAt,
} from './debounce.ts'
import { initialState, nextState, type State } from './group-state.ts'
import { clustersOf, timingOf } from './grouping.ts'
import { resultLines, type Result } from './log-lines.ts'
import { GroupRender, type GroupRenderDeps } from './render.ts'
import type { Rendering } from './rendering.ts'

export interface GroupDeps extends GroupApplyDeps, GroupRenderDeps {
  /** Returns how many groups share the time for rendering. */
  readonly groups: () => number
}

/** A render that takes longer is not made for a status. Milliseconds. */
const LONG_MS = 25

export class Group {
  readonly #deps: GroupDeps
  readonly #timing
  readonly #render: GroupRender
  readonly #apply: GroupApply
  readonly #stop = new AbortController()
  readonly #passes = new EventEmitter<{ end: [] }>().setMaxListeners(0)
  #state: State
  #timer: NodeJS.Timeout | null = null

  /** Starts nothing. */
  constructor(deps: GroupDeps) {
    this.#deps = deps
    this.#timing = timingOf(deps.templates)
    this.#render = new GroupRender(deps, {
      answered: () => this.changed(false),
      fault: (error) => this.#fault(error),
      signal: this.#stop.signal,
    })
    this.#apply = new GroupApply(deps)
    this.#state = initialState(now())
  }

  /** Returns the clusters that its templates are about. */
  get clusters(): readonly string[] {
    return clustersOf(this.#deps.templates)
  }

  /** Settles what an earlier router was interrupted in, and begins with a full pass. Never rejects. */
  start(): void {
    if (this.#state.phase.kind === 'built') this.#begin(() => this.#apply.recover())
  }

  /**
   * Notes that what its templates read may have changed; renders soon, and has a pass made if a text has changed.
   * `urgent`: the cluster has another leader or primary. Never throws.
   */
  changed(urgent: boolean): void {
    this.#set({ schedule: afterNotice(this.#state.schedule, now(), urgent) })
    // Right after the present turn: the watcher has the members to ask first.
    if (urgent) queueMicrotask(() => this.#proceed())
    else this.#arm()
  }

  /** Has everything looked at again: source files, destinations, answers of the DNS. */
  resync(): void {
    this.#set({ schedule: afterResync(this.#state.schedule) })
    this.#proceed()
  }

  /**
   * Resolves when what is known now is in the files and reloaded; not while the files are kept as they are. Rejects when
   * `signal` aborts, or the group is closed.
   */
  async settled(signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, this.#stop.signal])
    const { lookups } = this.#render
    // An answer may be a change, too.
    this.#look()
    while (lookups.isAsking && !end.aborted) {
      await lookups.answered(end)
      this.#look()
    }
    const { changes } = this.#state
    while ((this.#state.inPlace ?? -1) < changes)
      await once(this.#passes, 'end', { signal: end }).catch(() => end.throwIfAborted())
  }

  /** Returns its state, for which all that is known now is rendered, unless that takes long. */
  status(): GroupStatus {
    if ((this.#state.schedule.rendered?.tookMs ?? 0) < LONG_MS) this.#look()
    const { shown, result, schedule } = this.#state
    return {
      name: this.#deps.group,
      clusters: this.clusters,
      ...shown,
      reason: 'reason' in result ? result.reason : shown.state === 'in-sync' ? '' : 'a change is pending',
      templates: this.#render.renderings.map((rendering) => this.#templateStatus(rendering)),
      reload: this.#apply.reload,
      retryAt: retryAt(schedule),
    }
  }

  /** Begins no more passes and waits for what runs: a check is ended, a reload has a little time. Idempotent. */
  async close(why = 'the router ends'): Promise<void> {
    const { phase } = this.#state
    if (phase.kind === 'closed') return phase.closing
    this.#stop.abort(new Error(why))
    if (this.#timer !== null) clearTimeout(this.#timer)
    const applied = this.#apply.close(phase.kind === 'passing' ? phase.pass : null)
    const closing = applied.then(() => this.#render.lookups.ended())
    this.#set({ phase: { kind: 'closed', closing } })
    return closing
  }

  /** Changes the state; nothing else does. */
  #set(changes: Partial<State>): void {
    this.#state = nextState(this.#state, changes, this.#render.lookups.isAsking, now())
  }

  /** Renders and begins what is due, and sets the timer for what is due next. */
  #proceed(): void {
    const renderAt = nextRender(this.#state.schedule, this.#deps.groups())
    if (renderAt !== null && renderAt <= now()) this.#look()
    const due = this.#duePass()
    if (due !== null && due.at <= now()) this.#begin(() => this.#pass(due.full))
    this.#arm()
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (!this.#isActive) return
    const at = Math.min(
      nextRender(this.#state.schedule, this.#deps.groups()) ?? Infinity,
      this.#duePass()?.at ?? Infinity,
    )
    if (at === Infinity) return
    const delayMs = Math.min(Math.max(0, at - now()), MAX_TIMER_MS)
    this.#timer = setTimeout(() => this.#proceed(), delayMs)
  }

  get #isActive(): boolean {
    const { kind } = this.#state.phase
    return kind === 'idle' || kind === 'passing'
  }

  #duePass(): Due | null {
    return this.#state.phase.kind === 'idle' ? nextPass(this.#state.schedule, this.#timing) : null
  }

  #begin(work: () => Promise<void>): void {
    const pass = Promise.resolve()
      .then(work)
      .finally(() => {
        if (this.#state.phase.kind === 'passing') this.#set({ phase: { kind: 'idle' } })
        this.#passes.emit('end')
        this.#proceed()
      })
    this.#set({ phase: { kind: 'passing', pass, takes: false }, inPlace: null })
  }

  /** Renders what has changed and is not rendered yet. Never throws. */
  #look(): void {
    const { schedule, result } = this.#state
    if (schedule.unrenderedAt === null || !this.#isActive) return
    try {
      this.#renderAll()
    } catch {
      // A pass fails in the same way, which is reported, and is tried again.
      const after = afterRender(schedule, { at: now(), tookMs: 0, changed: false, asks: false }, false)
      this.#set({ schedule: result.kind === 'failed' ? after : afterResync(after) })
    }
    this.#arm()
  }

  #renderAll(): void {
    const [at, begun] = [now(), performance.now()]
    const { changed, asks } = this.#render.render()
    const { schedule, result, changes } = this.#state
    const render = { at, tookMs: performance.now() - begun, changed, asks }
    this.#set({
      schedule: afterRender(schedule, render, result.kind === 'waiting'),
      changes: changed ? changes + 1 : changes,
    })
  }

  async #pass(full: boolean): Promise<void> {
    const beganAt = now()
    let worked = false
    try {
      if (full) await this.#readAgain(beganAt)
      this.#renderAll()
      const { phase, schedule, changes: taken } = this.#state
      const takes = schedule.change !== null
      this.#set({ schedule: afterTake(schedule), phase: phase.kind === 'passing' ? { ...phase, takes } : phase })
      const applied = await this.#apply.apply(this.#render.rendered)
      worked = applied.worked
      this.#conclude(applied.result.kind === 'failed' ? applied.result : (this.#render.sourceFailure ?? applied.result))
      if (applied.result.kind === 'in-sync') this.#set({ inPlace: taken })
    } catch (error) {
      this.#fault(error)
      this.#conclude({ kind: 'failed', event: 'file-failed', destination: null, reason: explain(error), output: '' })
    }
    const { schedule, result } = this.#state
    const pass = { beganAt, endedAt: now(), worked, failed: result.kind === 'failed' }
    this.#set({ schedule: afterPass(schedule, pass) })
  }

  async #readAgain(at: number): Promise<void> {
    this.#set({ schedule: afterLook(this.#state.schedule, at) })
    this.#render.lookups.refresh()
    await this.#render.load()
  }

  #conclude(result: Result): void {
    if (this.#stop.signal.aborted) return
    const { result: before, resultAt } = this.#state
    const at = now()
    logLines(this.#deps.log, resultLines(this.#deps.group, before, result, at - resultAt))
    this.#set({ result, resultAt: before.kind === result.kind ? resultAt : at })
  }

  #templateStatus({ config, outcome, sourceError, renders, leftOut }: Rendering): TemplateStatus {
    const { result } = this.#state
    const { source, destination } = config
    const own = result.kind === 'failed' && result.destination === destination ? result.reason : null
    const error = sourceError ?? (outcome.kind === 'failed' ? outcome.reason : own)
    return { source, destination, renders, error, leftOut, ...this.#apply.statusOf(config) }
  }

  #fault(error: unknown): void {
    if (this.#stop.signal.aborted) return
    const message = `an unexpected error, please report it: ${explain(error)}`
    this.#deps.log.error({ event: 'fault', group: this.#deps.group, err: error }, message)
  }
}
