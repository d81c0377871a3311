/**
 * Serves the listeners of one proxy: accepts, holds, dials and joins. Between it and the proxy there are messages alone, so
 * that it may run in a thread; the limits over all listeners are its own, and what it has of the process is handed to it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Balance } from '../config/config.ts'
import { errorsOf } from './attempts.ts'
import { type Balancer, BALANCERS } from './balance.ts'
import { Client } from './client.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { EndedConnections } from './ended-connections.ts'
import { IdleTimeouts } from './idle-timeouts.ts'
import { type Command, type ListenerId, plainError, type ProxySettings, type Report } from './messages.ts'
import { ProcessBudget } from './process-budget.ts'
import { Refusals } from './refusals.ts'
import { Standstill } from '../standstill.ts'
import { type ListenerLimit, ServedListener, type Shared } from './served-listener.ts'
import { closeSessions, listSessions, type SessionRequestDeps } from './session-requests.ts'
import { TransferBuffers } from './transfer-buffers.ts'
import { overLimit, overListenerLimit, SHUTTING_DOWN, type Unserved } from './unserved.ts'

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

/** From a change to its report, where no command comes before. Milliseconds. */
const REPORT_MS = 100
/** How long clients may take that are being refused when the drain ends. Milliseconds. */
const LAST_WORDS_MS = 1000
const NOT_ALL = 'a listener has failed'

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
  /** Goes off when their states are due. */
  #reporting: NodeJS.Timeout | null = null
  readonly #standstill = new Standstill()
  readonly #ended: EndedConnections
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
    this.#refusals = new Refusals(hold, () => budget.refusals)
    this.#ended = new EndedConnections((connections, dropped) => report({ type: 'ended', connections, dropped }))
    const pool = { buffers: new TransferBuffers(), timeouts: new IdleTimeouts(), readAhead: budget }
    this.#shared = {
      get settings() {
        return settings()
      },
      balancers,
      budget,
      pool,
      standstill: this.#standstill,
      refusals: this.#refusals,
      isStale: (host) => settings().trust === 'dcs' && this.#staleNames.has(host),
      mayHold: () => this.#held() < settings().hold.maxConnections,
      client: (socket, via, own) => {
        const client = new Client(socket, pool.buffers.read, this.#arrivals++, budget, via)
        return { client, admit: () => this.#admit(client, own) }
      },
      ended: this.#ended,
      dialFailed: (failure) => report({ type: 'dial-failed', failure }),
      write: (line) => report({ type: 'log', ...line }),
      changed: (listener) => this.#reportSoon(listener),
    }
  }

  /** Carries out a command. The outcome is reported, also when it fails. */
  handle(command: Command): void {
    try {
      this.#carryOut(command)
    } finally {
      for (const served of this.#served.values()) this.#changed.add(served)
      this.#reportStates()
    }
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case 'configure':
        this.#settings = command.settings
        this.#limit.max = command.settings.maxConnections === 0 ? Infinity : command.settings.maxConnections
        this.#logConnections(command.settings.logConnections)
        break
      case 'listener': {
        const served = this.#served.get(command.id)
        if (served === undefined) {
          this.#standstill.start()
          this.#served.set(command.id, new ServedListener(command.config, this.#shared))
        } else served.configure(command.config)
        break
      }
      case 'view':
        this.#each((served) => served.take(command.view, command.hold))
        break
      case 'names':
        this.#staleNames = new Set(command.stale)
        break
      case 'hold':
        this.#served.get(command.id)?.hold(command.reason)
        break
      case 'pause':
        this.#served.get(command.id)?.pause(command.why)
        break
      case 'listen':
        this.#acknowledge(command, (served) => served.listen())
        break
      case 'stage':
        this.#acknowledge(command, (served) => served.stage(command.binds, command.own))
        break
      case 'unstage':
        this.#served.get(command.id)?.unstage()
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
        this.#settle(command, this.#drain(command))
        break
      case 'limit':
        this.#acknowledge(command, (served) => served.limit(command.max))
        break
      case 'list-sessions':
        this.#settle(command, listSessions(command, this.#requestDeps(command.ids)))
        break
      case 'close-sessions':
        this.#settle(command, closeSessions(command, this.#requestDeps(command.ids)))
        break
      case 'report':
        // Every command is followed by a report.
        break
      case 'close':
        this.#closing.abort()
        this.#standstill.close()
        try {
          this.#each((served) => served.close('shutdown', SHUTTING_DOWN))
        } finally {
          this.#ended.close()
        }
    }
  }

  #logConnections(isLogged: boolean): void {
    const isNew = isLogged && !this.#ended.isLogged
    this.#ended.isLogged = isLogged
    if (isNew) this.#each((served) => served.noteAddresses())
  }

  /** Does it for each listener, also behind one that fails. @throws AggregateError when one has failed. */
  #each(work: (served: ServedListener) => void): void {
    const errors = errorsOf(this.#served.values(), work)
    if (errors.length > 0) throw new AggregateError(errors, NOT_ALL)
  }

  /** Begins the work before this returns, and acknowledges it when the promise that it may return is settled. */
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

  /** Acknowledges it when the work is done. */
  #settle({ request }: { readonly request: number }, work: Promise<void>): void {
    work.then(
      () => this.#done(request, null),
      (error: unknown) => this.#done(request, error),
    )
  }

  #requestDeps(ids: readonly ListenerId[]): SessionRequestDeps {
    const served = ids.flatMap((id) => this.#served.get(id) ?? [])
    return { served, last: this.#budget.lastSession, report: this.#report }
  }

  #done(request: number, error: unknown): void {
    try {
      this.#reportStates()
    } finally {
      this.#report({ type: 'done', request, error: error === null ? null : plainError(error) })
    }
  }

  async #drain({ ids, why, isLast }: Command & { readonly type: 'drain' }): Promise<void> {
    const drained = ids.flatMap((id) => this.#served.get(id) ?? [])
    const errors: unknown[] = []
    const each = (work: (served: ServedListener) => void): void => void errors.push(...errorsOf(drained, work))
    each((served) => served.stop())
    const deadline = new AbortController()
    const expired = sleep(this.#requireSettings().drainTimeoutMs, undefined, {
      signal: AbortSignal.any([deadline.signal, this.#closing.signal]),
    }).catch(() => undefined)
    const draining = drained.map((served) =>
      served.drain(why).catch(async (error: unknown) => {
        errors.push(error)
        await expired
      }),
    )
    await Promise.race([Promise.all(draining), expired])
    deadline.abort()
    each((served) => served.endSessions('drain-timeout', `${why}, and drain_timeout has passed`))
    await Promise.race([
      this.#refusals.settled(),
      sleep(LAST_WORDS_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined),
    ])
    await this.#ended.sent()
    if (isLast) {
      each((served) => served.close('shutdown', why))
      this.#reportStates()
      for (const id of ids) this.#served.delete(id)
      // It begins again with the next listener.
      if (this.#served.size === 0) this.#standstill.close()
    }
    if (errors.length > 0) throw new AggregateError(errors, NOT_ALL)
  }

  /** Counts it as a connection, or returns why not. A refused client does not count: it must not keep others out. */
  #admit(client: Client, own: ListenerLimit): Unserved | null {
    const unserved = this.#unserved(client, own)
    if (unserved !== null) return unserved
    own.limit.take(client)
    this.#limit.take(client)
    this.#budget.connections.take(client)
    client.socket.on('close', () => {
      own.limit.leave(client)
      this.#limit.leave(client)
      this.#budget.connections.leave(client)
    })
    return null
  }

  #unserved({ hasSpoken }: Client, { listener, limit }: ListenerLimit): Unserved | null {
    if (!limit.makeRoom(hasSpoken)) return overListenerLimit(listener, limit.max)
    if (!this.#limit.makeRoom(hasSpoken)) return overLimit(this.#limit.max)
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

  /** Reports changes together: what one connection changes costs no report of its own. */
  #reportSoon(listener: ServedListener): void {
    this.#changed.add(listener)
    this.#reporting ??= setTimeout(() => this.#reportStates(), REPORT_MS).unref()
  }

  #reportStates(): void {
    if (this.#reporting !== null) clearTimeout(this.#reporting)
    this.#reporting = null
    for (const [id, served] of this.#served)
      if (this.#changed.has(served)) this.#report({ type: 'state', id, state: served.state })
    this.#changed.clear()
  }
}
