/** Finds a server for a client: dials one target of the route after the other, until one answers. */
import type { Logger } from 'pino'
import { hostPort } from '../address.ts'
import { now } from '../clock.ts'
import type { ProxyConfig } from '../config/config.ts'
import { shortage } from '../errors.ts'
import { type DialFailure, isSameAddress } from '../watcher/view.ts'
import { inSeconds } from '../text/wording.ts'
import type { Client } from './client.ts'
import { dial, type Answered } from './dial.ts'
import { Dials } from './dials.ts'
import type { Counters } from './counters.ts'
import type { ProcessBudget } from './process-budget.ts'
import type { Target } from './route.ts'
import { Session } from './session.ts'

export interface ConnectorDeps {
  readonly config: ProxyConfig
  readonly log: Logger
  /** How long ago a name was resolved last. Milliseconds. */
  readonly ageOf: (host: string) => number
  readonly dialFailed: (failure: DialFailure) => void
  readonly counters: Counters
  readonly room: Pick<ProcessBudget, 'descriptors' | 'grant' | 'giveBack'>
  readonly failedDial: () => unknown
}

/** Picks one of the targets, given the member picked last. */
export type Choose = (targets: readonly Target[], last: string | null) => Target | null

export type Connected =
  | { readonly kind: 'joined'; readonly session: Session }
  /** The client is to be served anew. */
  | { readonly kind: 'again' }
  /** No target can be dialled at present; or there is none. */
  | { readonly kind: 'none'; readonly reason: string }

/** Where nobody proves itself, a name says no longer than this where a member is. Milliseconds. */
const UNPROVED_MS = 60_000

export class Connector {
  readonly #name: string
  readonly #deps: ConnectorDeps
  readonly #choose: Choose
  readonly #joined: (client: Client, target: Target, session: Session) => void
  readonly #dials = new Dials()
  #targets: readonly Target[] = []
  #fallback: Target | null = null
  #last: string | null = null
  /** This machine is out of descriptors, ports or memory. */
  #isStarved = false

  /** `joined` is told of a session in the moment it begins, so that there is none that nobody can end. */
  constructor(
    name: string,
    deps: ConnectorDeps,
    choose: Choose,
    joined: (client: Client, target: Target, session: Session) => void,
  ) {
    this.#name = name
    this.#deps = deps
    this.#choose = choose
    this.#joined = joined
  }

  /** Dials these from now on, and `fallback` when none of them can be dialled; dials of others are given up. */
  use(targets: readonly Target[], fallback: Target | null): void {
    this.#targets = targets
    this.#fallback = fallback
    const all = fallback === null ? targets : [...targets, fallback]
    this.#dials.abandon((target) => !all.some((other) => isSame(target, other)))
  }

  /** Gives up the dials whose target matches, at once. */
  abandon(matches: (target: Target) => boolean): void {
    this.#dials.abandon(matches)
  }

  /** Tries each target once. Never rejects. */
  async connect(client: Client): Promise<Connected> {
    const tried = new Set<string>()
    for (let reason = 'no server is known'; ;) {
      const target = this.#next(tried)
      if (target === null) return { kind: 'none', reason }
      tried.add(target.member)
      const { signal, end } = this.#dials.begin(target)
      const result = await this.#dial(client, target, signal).finally(end)
      if (result.kind !== 'down') return result
      reason = result.reason
    }
  }

  #next(tried: ReadonlySet<string>): Target | null {
    const untried = this.#targets.filter(({ member }) => !tried.has(member))
    const target = this.#choose(untried, this.#last)
    if (target !== null) {
      this.#last = target.member
      return target
    }
    return this.#fallback === null || tried.has(this.#fallback.member) ? null : this.#fallback
  }

  async #dial(
    client: Client,
    target: Target,
    signal: AbortSignal,
  ): Promise<Connected | { readonly kind: 'down'; readonly reason: string }> {
    const startedAt = now()
    const { timeouts, tcpKeepaliveMs } = this.#deps.config
    if (this.#deps.config.trust === 'dcs' && this.#deps.ageOf(target.host) > UNPROVED_MS)
      return { kind: 'down', reason: `the name ${target.host} does not resolve any more` }
    const options = {
      timeoutMs: timeouts.connectMs,
      keepaliveMs: tcpKeepaliveMs,
      signal,
    }
    const result = await dial({ address: target.address, host: target.host, client, ...options })
    if (result.kind !== 'local') this.#starved(null)
    switch (result.kind) {
      case 'answered':
        if (!signal.aborted && !client.gone.aborted) return this.#join(client, target, result)
        // Given up in the very moment of the answer, which the client has not seen.
        client.feed(null)
        result.server.destroy()
        return { kind: 'again' }
      case 'down':
        this.#deps.failedDial()
        this.#failed(target, result.reason, now() - startedAt)
        this.#deps.dialFailed({ ...target, reason: result.reason, startedAt })
        return result
      case 'local':
        this.#starved(
          shortage(result.error, this.#deps.room.descriptors) ?? `no server can be dialled: ${result.reason}`,
        )
        return { kind: 'none', reason: result.reason }
      case 'rejected':
        client.destroy()
        return { kind: 'again' }
      case 'again':
      case 'client-gone':
        return { kind: 'again' }
    }
  }

  #failed({ member, address }: Target, reason: string, tookMs: number): void {
    const fields = { event: 'dial-failed', member, reason, tookMs: Math.round(tookMs) }
    const where = hostPort(address.host, address.port)
    this.#deps.log.debug(fields, `${this.#name}: connect to ${member} at ${where} failed: ${reason}`)
  }

  #join(client: Client, target: Target, { server, answer }: Answered): Connected {
    const { clientMs, serverMs } = this.#deps.config.timeouts
    client.answer(answer)
    client.release()
    const session = new Session({
      client: client.socket,
      server,
      clientTimeoutMs: clientMs,
      serverTimeoutMs: serverMs,
      readAhead: this.#deps.room,
      ending: (reason) => {
        const why = {
          'client-timeout': `its client was idle for ${inSeconds(clientMs)} (timeouts.client)`,
          'client-gone': 'its client has gone, and the server takes no more',
          'server-timeout': `its server was idle for ${inSeconds(serverMs)} (timeouts.server)`,
        }[reason]
        this.#deps.counters.ended(reason, target.member, why)
      },
    })
    this.#joined(client, target, session)
    return { kind: 'joined', session }
  }

  /** Says once when this machine cannot dial for a reason of its own, and once when it can again. */
  #starved(reason: string | null): void {
    if (this.#isStarved === (reason !== null)) return
    this.#isStarved = reason !== null
    const fields = { event: 'dial-trouble', reason }
    if (reason === null) this.#deps.log.info(fields, `${this.#name}: dials again`)
    else this.#deps.log.error(fields, `${this.#name}: ${reason}`)
  }
}

function isSame(a: Target, b: Target): boolean {
  return a.member === b.member && a.epoch === b.epoch && isSameAddress(a.address, b.address)
}
