/** Serves the clients of one route: waits for a target, dials, joins; a failed dial returns the client to the hold. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../clock.ts'
import type { Route } from '../config/config.ts'
import { counted, inSeconds, sentence } from '../text/wording.ts'
import { doAll } from './attempts.ts'
import { passCancel } from './cancel.ts'
import type { Client } from './client.ts'
import type { ConnectionEnd } from './connection-line.ts'
import { Connector, type ConnectorDeps } from './connector.ts'
import { Hold } from './hold.ts'
import { type EndReason, FENCINGS } from './counters.ts'
import { endedConnection } from './ended-connection.ts'
import type { EndedConnections } from './ended-connections.ts'
import type { ProcessBudget } from './process-budget.ts'
import { PATIENCE_MS, type Refusals } from './refusals.ts'
import type { Target } from './route.ts'
import type { Session } from './session.ts'
import { type Joined, Sessions } from './sessions.ts'
import { notHeld, type Unserved } from './unserved.ts'

export interface RouteDeps extends ConnectorDeps {
  /** Of the listener. */
  readonly name: string
  readonly route: Route
  readonly refusals: Refusals
  readonly budget: ProcessBudget
  /** Whether one more client may be held, over all listeners. */
  readonly mayHold: () => boolean
  /** Called when the number of sessions or of clients that are held has changed. */
  readonly changed: () => void
  /** Takes each connection when it ends, where these are logged. */
  readonly ended: EndedConnections
}

/** PostgreSQL's authentication_timeout, for a client that sends nothing at all. Milliseconds. */
const FIRST_PACKET_MS = 60_000
/** How long one may take that has just connected when the router begins to shut down. Milliseconds. */
const LAST_CALL_MS = 1000
/** Before another round when no target could be dialled. Milliseconds. */
const RETRY_MS = 100

export class RouteServer {
  readonly #deps: RouteDeps
  readonly #hold: Hold
  readonly #connector: Connector
  readonly #sessions: Sessions
  /** Clients without a session; and the work for each of them. */
  readonly #clients = new Set<Client>()
  readonly #served = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #reason = 'the state of the cluster is not known yet'
  #whyClosing = ''

  constructor(deps: RouteDeps) {
    this.#deps = deps
    const { balancer, mayHold, changed, traffic } = deps
    this.#hold = new Hold({
      get timeoutMs() {
        return deps.settings.hold.timeoutMs
      },
      hasRoom: mayHold,
      changed: () => {
        traffic.holds(this.#hold.size)
        changed()
      },
    })
    this.#sessions = new Sessions({
      joined: (target) => {
        balancer.joined(target)
        changed()
      },
      ended: (target) => {
        balancer.ended(target)
        traffic.left(target.member)
        changed()
      },
      over: ({ client, target, session }, cause) => {
        traffic.ended(target.member, client.ageMs)
        this.#over(client, cause ?? session.endedBy ?? 'client-closed', session)
      },
    })
    this.#connector = new Connector(deps, (client, target, session) => {
      this.#clients.delete(client)
      client.stage = 'session'
      if (deps.ended.isLogged) session.noteLocal()
      const { heldMs, connectMs, heldSince } = client
      const id = deps.budget.numberSession()
      traffic.began(target.member, { heldMs, connectMs: connectMs ?? 0, at: now() }, heldSince !== null)
      this.#sessions.add({ id, client, target, session })
    })
  }

  get held(): number {
    return this.#hold.size
  }

  get oldestHeld(): number | null {
    return this.#hold.oldest
  }

  get sessions(): Sessions {
    return this.#sessions
  }

  /**
   * Lets clients through to these targets, or to `fallback` where none of them can be dialled; dials of others are given
   * up, and their clients served again from the start.
   */
  open(targets: readonly Target[], fallback: Target | null): void {
    this.#connector.use(targets, fallback)
    if (this.#hold.isOpen) return
    const waiting = this.#hold.size
    const since = this.#hold.oldest
    this.#hold.open()
    if (waiting === 0) return
    const waitedMs = since === null ? 0 : now() - since
    const fields = { event: 'released', connections: waiting, waitedMs }
    const what = counted(waiting, 'held connection')
    this.#deps.log('info', fields, `released ${what} after ${inSeconds(waitedMs)}`)
  }

  /**
   * Holds new clients, and those that no server has answered yet; `reason`: for clients whose wait ends without a server.
   * `isByRequest`: it ends for none while it lasts.
   */
  shut(reason: string, isByRequest = false): void {
    this.#reason = reason
    this.#hold.shut(isByRequest)
    this.#connector.use([], null)
  }

  /** Ends the dials and the sessions whose target matches; see `closeSessions`. */
  async fence(matches: (target: Target) => boolean, cause: EndReason, why: string): Promise<void> {
    this.#connector.abandon(matches)
    await this.closeSessions(matches, cause, why)
  }

  /**
   * Ends the sessions whose target matches: clients are cut off before this returns, and it resolves when their servers
   * are as well. `why`: for the log.
   */
  async closeSessions(matches: (target: Target) => boolean, cause: EndReason, why: string): Promise<void> {
    const { closed, done } = this.#sessions.close(matches, cause)
    this.#deps.ended.hold(done)
    try {
      for (const [member, connections] of closed) this.#noteClosed(cause, member, connections, why)
    } finally {
      await done
    }
  }

  /** Closes the sessions that match and have no greater id than `last`; returns how many. Rejects when some could not be closed. */
  async closeSome(matches: (joined: Joined) => boolean, last: number, why: string): Promise<number> {
    const closed = new Map<string, number>()
    const note = ({ member }: Target): void => void closed.set(member, (closed.get(member) ?? 0) + 1)
    try {
      await this.#sessions.closeSome(matches, 'admin', last, note)
    } finally {
      for (const [member, sessions] of closed) this.#noteClosed('admin', member, sessions, why)
    }
    return [...closed.values()].reduce((sum, sessions) => sum + sessions, 0)
  }

  #noteClosed(cause: EndReason, member: string, sessions: number, why: string): void {
    if (FENCINGS.includes(cause)) this.#deps.traffic.member(member).closedByRouter += sessions
    this.#deps.counters.closed(cause, member, sessions, why)
  }

  /** Refuses the waiting clients because of `why`, gives silent ones a moment to send, and resolves when all have ended. */
  async drain(why: string): Promise<void> {
    this.#whyClosing = why
    this.#hold.close()
    const { signal } = this.#closing
    void sleep(LAST_CALL_MS, undefined, { signal }).then(
      () => this.#dropSilent(),
      () => undefined, // Closed: all clients are gone.
    )
    await Promise.all(this.#served)
    await this.#sessions.over()
  }

  #dropSilent(): void {
    for (const client of this.#clients) {
      if (client.kind === 'incomplete' && !this.#deps.refusals.has(client)) client.drop(this.#whyClosing)
    }
  }

  /**
   * Closes everything at once. `cause`: why sessions end.
   *
   * @throws AggregateError when something is left.
   */
  close(cause: EndReason, why: string): void {
    this.#closing.abort()
    const clients = [...this.#clients].map((client) => () => client.destroy())
    const steps = [...clients, () => this.#hold.close(), () => this.#connector.use([], null)]
    doAll([...steps, () => this.endSessions(cause, why)], 'some connections are left')
  }

  /**
   * Ends all sessions at once, both sides.
   *
   * @throws AggregateError when some are still there.
   */
  endSessions(cause: EndReason, why: string): void {
    const before = [...this.#sessions.countByMember]
    try {
      this.#sessions.destroy(cause)
    } finally {
      for (const [member, sessions] of before) {
        const ended = sessions - (this.#sessions.countByMember.get(member) ?? 0)
        if (ended > 0) this.#noteClosed(cause, member, ended, why)
      }
    }
  }

  /**
   * Destroys every socket that leads to a server, one by one where a fence has failed; waiting clients keep waiting.
   *
   * @throws AggregateError when some are still there.
   */
  destroy(cause: EndReason, why: string): void {
    doAll([() => this.shut(why), () => this.endSessions(cause, why)], 'some connections to servers are left')
  }

  /** Serves an accepted connection until it has a session, if `admit` has no objection; or refuses it, unless it is a cancel request. */
  serve(client: Client, admit: () => Unserved | null): void {
    if (this.#deps.ended.isLogged) client.notePeer()
    this.#clients.add(client)
    const unserved = admit()
    const served = (unserved === null ? this.#serve(client) : this.#turnAway(client, unserved, admit)).finally(() => {
      this.#clients.delete(client)
      this.#served.delete(served)
      if (client.stage !== 'session') this.#unserved(client)
    })
    this.#served.add(served)
  }

  /** Notes the addresses of the connections that there are: they were not logged before. */
  noteAddresses(): void {
    for (const client of this.#clients) client.notePeer()
    for (const { client, session } of this.#sessions.open()) {
      client.notePeer()
      session.noteLocal()
    }
  }

  #unserved(client: Client): void {
    const isWaiting = client.stage === 'queue' || client.stage === 'connect'
    if (isWaiting && client.unservedFor === null && client.leftBy !== null) this.#deps.counters.leftEarly()
    this.#over(client, client.unservedFor ?? client.leftBy ?? 'shutdown', null)
  }

  #over(client: Client, reason: ConnectionEnd, session: Session | null): void {
    const { ended, name, route } = this.#deps
    if (ended.isLogged) ended.add(endedConnection({ name, route }, client, reason, session?.local ?? null))
  }

  async #serve(client: Client): Promise<void> {
    for (let isReturning = false; ; isReturning = true) {
      const kind = await client.first(FIRST_PACKET_MS)
      if (kind === null) {
        this.#noteSilence(client)
        return
      }
      if (kind === 'cancel') return this.#cancel(client)
      if (!client.isGone) client.stage = 'queue'
      const turn = await this.#hold.turn(client, isReturning)
      if (client.heldSince !== null) client.heldMs = now() - client.heldSince
      switch (turn.kind) {
        case 'go': {
          client.stage = 'connect'
          const result = await this.#connector.connect(client)
          if (result.kind === 'none') this.#rest(result.reason)
          turn.done(result.kind)
          if (result.kind === 'joined') return
          break
        }
        case 'gone':
          this.#noteSilence(client)
          return
        case 'timeout':
        case 'full':
        case 'closed':
          return this.#refuse(client, this.#notHeld(turn.kind), turn.kind === 'closed' ? '' : sentence(this.#reason))
      }
    }
  }

  #notHeld(turn: 'timeout' | 'full' | 'closed'): Unserved {
    return notHeld(turn, this.#deps.route, this.#deps.settings.hold, this.#whyClosing)
  }

  /** Counts a client that was silent for too long or was dropped; a client that has left by itself is not counted. */
  #noteSilence(client: Client): void {
    if (!client.isGone) client.drop(`no startup packet within ${inSeconds(FIRST_PACKET_MS)}`)
    if (client.droppedFor === null) return
    client.unservedFor = 'silent'
    this.#deps.counters.refused('silent', client.droppedFor)
  }

  async #turnAway(client: Client, unserved: Unserved, admit: () => Unserved | null): Promise<void> {
    this.#deps.refusals.admit(client, { ...unserved, hint: '' })
    const kind = await client.first(PATIENCE_MS)
    if (kind === 'cancel') return this.#cancel(client)
    // It has left before it could be refused.
    if (client.isGone && client.droppedFor === null) return
    // Now that its first packet is there, a silent client may give way to it.
    const still = kind === null || client.isGone ? unserved : admit()
    if (still !== null) return this.#refuse(client, still, '')
    this.#deps.refusals.release(client)
    return this.#serve(client)
  }

  async #refuse(client: Client, { reason, sqlState, message }: Unserved, hint: string): Promise<void> {
    client.unservedFor = reason
    this.#deps.counters.refused(reason, message, hint)
    await this.#deps.refusals.refuse(client, { sqlState, message, hint })
  }

  /** Pauses the hold: no member can be dialled, though the watcher sees no reason to close the route. */
  #rest(reason: string): void {
    if (!this.#hold.isOpen) return
    this.#reason = reason
    this.#hold.rest(RETRY_MS)
  }

  /** Passes a cancel request on to all servers with sessions: only they can tell which session it is for. It never waits. */
  async #cancel(client: Client): Promise<void> {
    client.unservedFor = 'cancel'
    const { settings, budget } = this.#deps
    const signal = AbortSignal.any([AbortSignal.timeout(settings.timeouts.connectMs), this.#closing.signal])
    await passCancel(client.pending, this.#sessions.targets(), budget.cancels, signal)
    client.destroy()
  }
}
