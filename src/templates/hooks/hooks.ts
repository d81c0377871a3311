/** Commands that are run when the primary's state or member changes, as Patroni's callbacks are. */
import type { Logger } from 'pino'
import { now } from '../../clock.ts'
import type { HookConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import { printable } from '../../text/printable.ts'
import type { ClusterView } from '../../watcher/view.ts'
import { reasonLineOf } from '../commands/output.ts'
import type { CommandResult, RunCommand } from '../commands/run-command.ts'
import type { HookStatus } from '../status.ts'
import {
  afterHook,
  afterOthers,
  afterSituation,
  begin,
  EMPTY_QUEUE,
  type HookQueue,
  isOutdated,
  nextAt,
  type Situation,
  type Transition,
} from './queue.ts'

export interface HooksDeps {
  readonly hooks: readonly HookConfig[]
  readonly run: RunCommand
  /** Resolves once the files of the reload group are those of the view applied last, and reloaded; gives up with `signal`. */
  readonly settled: (group: string, signal: AbortSignal) => Promise<void>
  readonly log: Logger
  /** The primary's state in this view is not new to them; null: the first one that is known is. */
  readonly since: ClusterView | null
}

type HookRecord = { -readonly [K in keyof Omit<HookStatus, 'name' | 'cluster'>]: HookStatus[K] }

const NOT_RUN: HookRecord = { state: null, member: null, running: false, runs: 0, failures: 0, last: null }

/**
 * One queue for all hooks: those of a state are run in the order of the configuration, one after the other. A newer state
 * takes the place of all that has not begun, a hook that waits for its reload group included; a command that has begun
 * ends by itself or by its timeout. A failed hook does not keep the next ones from running, and is tried again, ever
 * later, for as long as the state holds. The first state that is known runs hooks too.
 */
export class Hooks {
  readonly #deps: HooksDeps
  readonly #ons: readonly HookConfig['on'][]
  readonly #records: readonly HookRecord[]
  readonly #closing = new AbortController()
  #queue: HookQueue = EMPTY_QUEUE
  #view: ClusterView | null = null
  #timer: NodeJS.Timeout | null = null
  #waiting: AbortController | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(deps: HooksDeps) {
    this.#deps = deps
    this.#ons = deps.hooks.map(({ on }) => on)
    const since = deps.since === null ? null : situationOf(deps.since)
    if (since !== null) this.#queue = afterOthers(since)
    this.#records = deps.hooks.map(() => ({ ...NOT_RUN }))
  }

  /** Follows the view of the cluster. Templates have to have been given it before: a hook may wait for them. */
  apply(view: ClusterView): void {
    this.#view = view
    const situation = situationOf(view)
    if (situation === null || this.#deps.hooks.length === 0 || this.#closing.signal.aborted) return
    this.#queue = afterSituation(this.#queue, situation)
    if (isOutdated(this.#queue)) this.#waiting?.abort()
    this.#proceed()
  }

  status(): readonly HookStatus[] {
    return this.#deps.hooks.map(({ name, cluster }, index) => {
      return { name, cluster, ...(this.#records[index] ?? NOT_RUN) }
    })
  }

  /** Begins no more hooks and ends the one that is running. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#running
  }

  #proceed(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#closing.signal.aborted || this.#queue.running !== null) return
    this.#queue = begin(this.#queue, this.#ons, now())
    const { running, current } = this.#queue
    if (running !== null && current !== null) {
      this.#running = this.#run(running.hook, current)
      return
    }
    const at = nextAt(this.#queue)
    if (at !== null) this.#timer = setTimeout(() => this.#proceed(), Math.max(0, at - now()))
  }

  async #run(index: number, transition: Transition): Promise<void> {
    const [hook, record] = [this.#deps.hooks[index], this.#records[index]]
    const view = this.#view
    if (hook === undefined || record === undefined || view === null) throw new Error(`there is no hook ${index}`)
    const { state, member } = transition.to
    record.state = state
    record.member = member === null ? null : printable(member, MAX_NAME)
    const obstacle = hook.after === null ? null : await this.#obstacle(hook.after)
    if (obstacle !== 'given-up') {
      record.running = true
      // While it waited the member may have moved.
      const variables = hookEnvironment(view, this.#queue.current ?? transition)
      const result =
        obstacle ?? (await this.#deps.run(hook.run, { fill: NO_PATHS, env: variables, signal: this.#closing.signal }))
      record.running = false
      record.last = result
      record.runs++
      if (!result.ok) record.failures++
      this.#report(hook, record, result)
      this.#queue = afterHook(this.#queue, result.ok ? 'done' : 'failed', now())
    } else this.#queue = afterHook(this.#queue, 'given-up', now())
    this.#proceed()
  }

  /** Waits for a reload group; `given-up`: a newer state has come, or the router closes. */
  async #obstacle(group: string): Promise<'given-up' | CommandResult | null> {
    const startedAt = now()
    const waiting = new AbortController()
    this.#waiting = waiting
    const signal = AbortSignal.any([waiting.signal, this.#closing.signal])
    try {
      await this.#deps.settled(group, signal)
    } catch (error) {
      // Giving up may be reported as an error.
      const outcome = `its reload group ${group}: ${explain(error)}`
      const result = { ok: false, outcome, exitCode: null, startedAt, durationMs: now() - startedAt, output: '' }
      return signal.aborted ? 'given-up' : result
    } finally {
      this.#waiting = null
    }
    return signal.aborted ? 'given-up' : null
  }

  #report(
    { name, cluster }: HookConfig,
    { state, member }: HookRecord,
    { ok, outcome, durationMs, output }: CommandResult,
  ): void {
    const { log } = this.#deps
    const fields = { event: ok ? 'hook-done' : 'hook-failed', hook: name, cluster, state, member, durationMs, output }
    const what = `${name} for ${state ?? ''}${member === null ? '' : ` ${member}`}`
    if (ok) log.info(fields, `${what}: ${outcome} after ${durationMs} ms`)
    else if (!this.#closing.signal.aborted) log.warn(fields, `${what} failed: ${outcome}${said(output)}`)
  }
}

const MAX_NAME = 200
const NO_PATHS = { staged: '', destination: '' }

function said(output: string): string {
  const line = reasonLineOf(output)
  return line === '' ? '' : `: ${line}`
}

const MAX_VALUE = 1000

/**
 * Returns the primary's situation in `view`; null while nothing is known of it: a router that has not read the DCS yet and has
 * no confirmed member reports nothing.
 */
export function situationOf({ dcs, primary, members }: ClusterView): Situation | null {
  const { state, member: name, reason } = primary
  if (dcs.state === 'never' && name === null) return null
  const member = members.find((one) => one.name === name)
  return { state, member: name, host: member?.host ?? null, port: member?.port ?? null, reason }
}

/**
 * Returns the variables `PATRONI_ROUTER_*`; those without a value are empty. Texts of the DCS have no control characters, but
 * can hold blanks, quotes and other characters of the shell: they have to be quoted like any variable.
 */
export function hookEnvironment(
  { name, scope, namespace, citusGroup }: Pick<ClusterView, 'name' | 'scope' | 'namespace' | 'citusGroup'>,
  { from, to }: Transition,
): Record<string, string> {
  const variables = {
    CLUSTER: name,
    SCOPE: scope,
    NAMESPACE: namespace,
    CITUS_GROUP: citusGroup,
    STATE: to.state,
    OLD_STATE: from?.state,
    MEMBER: to.member,
    OLD_MEMBER: from?.member,
    HOST: to.host,
    PORT: to.port,
    REASON: to.reason,
  }
  return Object.fromEntries(
    Object.entries(variables).map(([variable, value]) => [
      `PATRONI_ROUTER_${variable}`,
      printable(String(value ?? ''), MAX_VALUE),
    ]),
  )
}
