/**
 * Serves the listeners of one proxy: accepts, holds, dials and joins. Between it and the proxy there are messages alone, so
 * that it may run in a thread; the limits over all listeners are its own, and what it has of the process is handed to it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Balance } from '../config/config.ts'
import { explain } from '../errors.ts'
import { counted } from '../text/wording.ts'
import { type Balancer, BALANCERS } from './balance.ts'
import { Client } from './client.ts'
import { ConnectionLimit } from './connection-limit.ts'
import type { Command, ListenerId, ProxySettings, Report } from './messages.ts'
import { ProcessBudget } from './process-budget.ts'
import { Refusals } from './refusals.ts'
import type { Unserved } from './route-server.ts'
import { ServedListener, type Shared } from './served-listener.ts'

/** Starts a worker that reports to `report`; returns where its commands go. */
export type StartWorker = (report: (report: Report) => void) => (command: Command) => void

/** Returns what starts a worker in this event loop. `budget`: its share of the process. */
export function inProcess(
  budget: ProcessBudget = new ProcessBudget(),
  balancers: Readonly<Record<Balance, () => Balancer>> = BALANCERS,
): StartWorker {
  return (report) => {
    const worker = new Worker(report, budget, balancers)
    return (command) => worker.handle(command)
  }
}

/** How long those may take that are being refused when the drain ends. Milliseconds. */
const LAST_WORDS_MS = 1000
const STOPPING = 'the router is shutting down'

export class Worker {
  readonly #report: (report: Report) => void
  readonly #budget: ProcessBudget
  readonly #shared: Shared
  #settings: ProxySettings | null = null
  readonly #served = new Map<ListenerId, ServedListener>()
  readonly #limit = new ConnectionLimit(Infinity)
  readonly #refusals: Refusals
  #staleNames: ReadonlySet<string> = new Set()
  #arrivals = 0
  /** Whose state is to be reported. */
  readonly #changed = new Set<ServedListener>()
  /** A report is due, or was made in this turn of the event loop. */
  #isReporting = false
  readonly #closing = new AbortController()

  constructor(
    report: (report: Report) => void,
    budget: ProcessBudget,
    balancers: Readonly<Record<Balance, () => Balancer>>,
  ) {
    this.#report = report
    this.#budget = budget
    const settings = (): ProxySettings => this.#requireSettings()
    const hold = {
      get refuseTls() {
        return settings().hold.refuseTls
      },
    }
    this.#refusals = new Refusals(hold, budget.refusals)
    this.#shared = {
      get settings() {
        return settings()
      },
      balancers,
      budget,
      refusals: this.#refusals,
      isStale: (host) => settings().trust === 'dcs' && this.#staleNames.has(host),
      mayHold: () => this.#held() < settings().hold.maxConnections,
      client: (socket) => {
        const client = new Client(socket, this.#arrivals++, budget)
        return { client, admit: () => this.#admit(client) }
      },
      dialFailed: (failure) => report({ type: 'dial-failed', failure }),
      write: (line) => report({ type: 'log', ...line }),
      changed: (listener) => this.#reportSoon(listener),
    }
  }

  /** Carries out a command. What comes of it is reported, also when it fails. */
  handle(command: Command): void {
    switch (command.type) {
      case 'configure':
        this.#settings = command.settings
        this.#limit.max = command.settings.maxConnections === 0 ? Infinity : command.settings.maxConnections
        break
      case 'listener': {
        const served = this.#served.get(command.id)
        if (served === undefined) this.#served.set(command.id, new ServedListener(command.config, this.#shared))
        else served.configure(command.config)
        break
      }
      case 'view':
        for (const served of this.#served.values()) served.take(command.view, command.hold)
        break
      case 'names':
        this.#staleNames = new Set(command.stale)
        break
      case 'hold':
        this.#served.get(command.id)?.hold(command.reason)
        break
      case 'listen':
        this.#acknowledge(command, (served) => served.listen())
        break
      case 'fence':
        this.#acknowledge(command, (served) => served.fence(command.epoch, command.reason))
        break
      case 'destroy':
        this.#acknowledge(command, (served) => served.destroy(command.reason))
        break
      case 'open':
        this.#acknowledge(command, (served) => served.open(command.target))
        break
      case 'drain':
        void this.#drain(command).then(() => this.#done(command.request, null))
        break
      case 'close':
        for (const served of this.#served.values()) served.close('shutdown', STOPPING)
        this.#closing.abort()
    }
    for (const served of this.#served.values()) this.#changed.add(served)
    this.#reportStates()
  }

  /** The work begins before this returns; it is done when the promise that it may return is. */
  #acknowledge(
    { id, request }: { readonly id: ListenerId; readonly request: number },
    work: (served: ServedListener) => Promise<void> | void,
  ): void {
    const served = this.#served.get(id)
    const done = (error: unknown): void => {
      if (served !== undefined) this.#changed.add(served)
      this.#done(request, error)
    }
    const working = async (): Promise<void> => (served === undefined ? undefined : work(served))
    working().then(() => done(null), done)
  }

  #done(request: number, error: unknown): void {
    this.#reportStates()
    this.#report({ type: 'done', request, error: error === null ? null : plainError(error) })
  }

  async #drain({ ids, why, isLast }: Command & { readonly type: 'drain' }): Promise<void> {
    const drained = ids.flatMap((id) => this.#served.get(id) ?? [])
    for (const served of drained) served.stop()
    const deadline = new AbortController()
    await Promise.race([
      Promise.all(drained.map((served) => served.drain(why))),
      sleep(this.#requireSettings().drainTimeoutMs, undefined, {
        signal: AbortSignal.any([deadline.signal, this.#closing.signal]),
      }).catch(() => undefined),
    ])
    deadline.abort()
    for (const served of drained) served.endSessions('drain-timeout', `${why}, and drain_timeout has passed`)
    await Promise.race([
      this.#refusals.settled(),
      sleep(LAST_WORDS_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined),
    ])
    if (!isLast) return
    for (const served of drained) served.close('shutdown', why)
    this.#reportStates()
    for (const id of ids) this.#served.delete(id)
  }

  /** Counts it as a connection, or says why not. Who is refused is none: it must not keep others out while it hangs up. */
  #admit(client: Client): Unserved | null {
    const unserved = this.#unserved(client)
    if (unserved !== null) return unserved
    this.#limit.take(client)
    this.#budget.connections.take(client)
    return null
  }

  #unserved({ hasSpoken }: Client): Unserved | null {
    if (!this.#limit.makeRoom(hasSpoken)) {
      const message = `the router's limit of ${counted(this.#limit.max, 'connection')} is reached (max_connections)`
      return { reason: 'connection-limit', sqlState: '53300', message }
    }
    if (this.#budget.connections.makeRoom(hasSpoken)) return null
    return { reason: 'process-limit', sqlState: '53300', message: this.#budget.limit }
  }

  #held(): number {
    return [...this.#served.values()].reduce((sum, { held }) => sum + held, 0)
  }

  #requireSettings(): ProxySettings {
    if (this.#settings === null) throw new Error('a worker is configured before it serves')
    return this.#settings
  }

  /** The first change in a turn of the event loop is reported at the end of what caused it, all others once in the next. */
  #reportSoon(listener: ServedListener): void {
    this.#changed.add(listener)
    if (this.#isReporting) return
    this.#isReporting = true
    queueMicrotask(() => this.#reportStates())
    setImmediate(() => {
      this.#isReporting = false
      this.#reportStates()
    })
  }

  #reportStates(): void {
    if (this.#changed.size === 0) return
    for (const [id, served] of this.#served)
      if (this.#changed.has(served)) this.#report({ type: 'state', id, state: served.state })
    this.#changed.clear()
  }
}

/** An error of which a clone is the same. */
function plainError(error: unknown): Error {
  const message = error instanceof Error ? error.message : ''
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : null
  return new Error(
    message === '' ? explain(error) : message,
    (cause ?? null) === null ? {} : { cause: new Error(explain(cause)) },
  )
}
