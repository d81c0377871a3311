/** Finds a server for a client: dials one target of the route after the other, until one answers. */
import { hostPort } from '../address.ts'
import { now } from '../clock.ts'
import { shortage } from '../errors.ts'
import { type DialFailure, isSameAddress } from '../watcher/view.ts'
import { inSeconds } from '../text/wording.ts'
import type { Client } from './client.ts'
import { type Answered, Dial } from './dial.ts'
import type { Counters } from './counters.ts'
import type { SafeBalancer } from './balance.ts'
import type { ListenerLog } from './log-lines.ts'
import type { ProxySettings } from './messages.ts'
import type { ProcessBudget } from './process-budget.ts'
import type { Target } from './route.ts'
import { Session, type SessionPool } from './session.ts'
import type { TrafficMeter } from './traffic-meter.ts'

export interface ConnectorDeps {
  /** Read again for each client. */
  readonly settings: ProxySettings
  readonly log: ListenerLog
  readonly balancer: SafeBalancer
  /** Whether a name was resolved too long ago to be dialled without a confirmation by the member. */
  readonly isStale: (host: string) => boolean
  readonly dialFailed: (failure: DialFailure) => void
  readonly counters: Counters
  readonly budget: Pick<ProcessBudget, 'descriptors'>
  readonly pool: SessionPool
  readonly traffic: TrafficMeter
}

export type Connected =
  | { readonly kind: 'joined' }
  /** The client is to be served again from the start. */
  | { readonly kind: 'again' }
  /** No target can be dialled at present; or there is none. */
  | { readonly kind: 'none'; readonly reason: string }

export class Connector {
  readonly #deps: ConnectorDeps
  readonly #joined: (client: Client, target: Target, session: Session) => void
  /** Dials that are under way. */
  readonly #dials = new Map<Dial, Target>()
  #targets: readonly Target[] = []
  #fallback: Target | null = null
  /** This machine is out of descriptors, ports or memory. */
  #isStarved = false

  /** `joined` is called as soon as a session begins, so that every session can be ended. */
  constructor(deps: ConnectorDeps, joined: (client: Client, target: Target, session: Session) => void) {
    this.#deps = deps
    this.#joined = joined
  }

  /** Dials these from now on, and `fallback` when none of them can be dialled; dials of others are given up. */
  use(targets: readonly Target[], fallback: Target | null): void {
    this.#targets = targets
    this.#fallback = fallback
    const all = fallback === null ? targets : [...targets, fallback]
    this.abandon((target) => !all.some((other) => isSame(target, other)))
  }

  /** Gives up the dials whose target matches, at once. */
  abandon(matches: (target: Target) => boolean): void {
    for (const [dial, target] of this.#dials) {
      if (!matches(target)) continue
      this.#dials.delete(dial)
      dial.abandon()
    }
  }

  /** Tries each target once. Never rejects. */
  async connect(client: Client): Promise<Connected> {
    const tried = new Set<string>()
    for (let reason = 'no member can be used'; ;) {
      const target = this.#next(tried)
      if (target === null) return { kind: 'none', reason }
      tried.add(target.member)
      if (client.isGone) return { kind: 'again' }
      const result = await this.#dial(client, target)
      if (result.kind !== 'down') return result
      reason = result.reason
    }
  }

  #next(tried: ReadonlySet<string>): Target | null {
    const untried = this.#targets.filter(({ member }) => !tried.has(member))
    const target = this.#deps.balancer.pick(untried)
    if (target !== null) return target
    return this.#fallback === null || tried.has(this.#fallback.member) ? null : this.#fallback
  }

  async #dial(client: Client, target: Target): Promise<Connected | { readonly kind: 'down'; readonly reason: string }> {
    const startedAt = now()
    const begun = performance.now()
    const { timeouts, tcpKeepaliveMs } = this.#deps.settings
    if (this.#deps.isStale(target.host)) return { kind: 'down', reason: `the name ${target.host} no longer resolves` }
    const { address, host } = target
    const dial = new Dial({
      ...{ address, host, client, timeoutMs: timeouts.connectMs, keepaliveMs: tcpKeepaliveMs },
      shared: this.#deps.pool.buffers.read,
    })
    this.#dials.set(dial, target)
    client.target = target
    const result = await dial.result
    // Given up just as the answer arrived; the client has not seen it.
    const isAbandoned = !this.#dials.delete(dial)
    if (result.kind !== 'local') this.#starved(null)
    switch (result.kind) {
      case 'answered':
        if (!isAbandoned && !client.isGone) {
          client.connectMs = performance.now() - begun
          return this.#join(client, target, result)
        }
        client.feed(null)
        result.server.socket.destroy()
        return { kind: 'again' }
      case 'down':
        this.#deps.traffic.member(target.member).failedDials++
        this.#failed(target, result.reason, now() - startedAt)
        this.#deps.dialFailed({ ...target, reason: result.reason, startedAt })
        return result
      case 'local':
        this.#starved(
          shortage(result.error, this.#deps.budget.descriptors) ?? `cannot connect to members: ${result.reason}`,
        )
        return { kind: 'none', reason: result.reason }
      case 'rejected':
        client.unservedFor = 'server-closed'
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
    this.#deps.log('debug', fields, `connect to ${member} at ${where} failed: ${reason}`)
  }

  #join(client: Client, target: Target, { server, answer }: Answered): Connected {
    const { clientMs, serverMs } = this.#deps.settings.timeouts
    client.answer(answer)
    const carried = this.#deps.traffic.member(target.member)
    // What has passed before: the startup, and the answers to it.
    carried.received.bytes += client.socket.bytesRead
    carried.sent.bytes += client.socket.bytesWritten
    const session = new Session({
      client: client.release(),
      server,
      clientTimeoutMs: clientMs,
      serverTimeoutMs: serverMs,
      pool: this.#deps.pool,
      carried,
      ending: (reason) => {
        const why = {
          'client-timeout': `its client was idle for ${inSeconds(clientMs)} (timeouts.client)`,
          'client-gone': 'its client is gone, and the server no longer reads what it sent',
          'server-timeout': `its server was idle for ${inSeconds(serverMs)} (timeouts.server)`,
        }[reason]
        this.#deps.counters.ended(reason, target.member, why)
      },
    })
    this.#joined(client, target, session)
    return { kind: 'joined' }
  }

  /** Logs once when this machine itself cannot connect, and once when it can again. */
  #starved(reason: string | null): void {
    if (this.#isStarved === (reason !== null)) return
    this.#isStarved = reason !== null
    const fields = { event: 'dial-trouble', reason }
    if (reason === null) this.#deps.log('info', fields, 'connects to members again')
    else this.#deps.log('error', fields, reason)
  }
}

function isSame(a: Target, b: Target): boolean {
  return a.member === b.member && a.epoch === b.epoch && isSameAddress(a.address, b.address)
}
