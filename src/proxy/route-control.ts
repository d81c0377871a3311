/** Keeps the clients of one listener in line with the view, and with the primary that has been opened. */
import { now } from '../clock.ts'
import type { ListenerConfig } from '../config/config.ts'
import type { ClusterView } from '../watcher/view.ts'
import { type Availability, availabilityStep, downMsAt, NO_SERVICE, type Service, serviceStep } from './availability.ts'
import { type ListenerLog, NOTHING_LOGGED, useLines } from './log-lines.ts'
import {
  byName,
  hasMoved,
  isDown,
  isForPrimary,
  isPrimary,
  type MemberUse,
  NEW_ROUTE,
  nounOf,
  routeStep,
  type Target,
} from './route.ts'
import type { RouteServer } from './route-server.ts'
import type { ListenerStatus } from './status.ts'

/** The part of the server of a route that is controlled. */
export type Controlled = Pick<RouteServer, 'open' | 'shut' | 'fence' | 'closeSessions' | 'destroy'>

export class RouteControl {
  #listener: ListenerConfig
  readonly #server: Controlled
  readonly #log: ListenerLog
  readonly #closed: (failure: unknown) => void
  #state = NEW_ROUTE
  /** The members of the view that was taken last; `forget` does not change it. */
  #uses: readonly MemberUse[] = []
  #availability: ReadonlyMap<string, Availability> = new Map()
  #service: Service = NO_SERVICE
  #logged = NOTHING_LOGGED
  /** Open, and its epoch is fenced everywhere. */
  #primary: Target | null = null
  /** Was open since the last fence. */
  #former: string | null = null
  /** The leader, be it without having been opened yet. */
  #leader: string | null = null
  /**
   * All leaders since the last fence. Sessions that one of them accepted while it was a replica outlive its promotion and
   * can write: they end when another leader follows.
   */
  #promoted: ReadonlySet<string> = new Set()
  #whyNoPrimary = 'the state of the cluster is not known yet'
  /** The members that new sessions go to; not the fallback. */
  #targets: readonly Target[] = []
  #isFallbackLogged = false
  /** Why all new clients are held by request; null: they are not. */
  #requested: string | null = null

  /** `closed`: called when the sessions are closed that a view has ended; with the error when some could not be, else null. */
  constructor(listener: ListenerConfig, server: Controlled, log: ListenerLog, closed: (failure: unknown) => void) {
    this.#listener = listener
    this.#server = server
    this.#log = log
    this.#closed = closed
  }

  /** Takes the next configuration; it counts from the next view on. */
  configure(listener: ListenerConfig): void {
    this.#listener = listener
  }

  /**
   * Takes the next view, and lets new connections through to the members that it allows, or holds them. `hold`: why the
   * primary is held, as by `hold()`, in the same step; null: it is not.
   */
  take(view: ClusterView, hold: string | null): void {
    this.#observe(view)
    if (hold === null) this.#update()
    else this.hold(hold)
  }

  #observe(view: ClusterView): void {
    // First: the leader has to be known for the next fence, even if something fails below.
    this.#noteLeader(view)
    this.#state = routeStep(this.#state, view, this.#listener)
    this.#uses = this.#state.uses
    this.#availability = availabilityStep(this.#availability, this.#uses, now())
    this.#service = serviceStep(this.#service, this.#uses.some(({ fit }) => fit) || this.#fallback() !== null)
    const { lines, logged } = useLines(this.#logged, this.#state.uses)
    this.#logged = logged
    for (const { level, message, fields } of lines) this.#log(level, fields, message)
    const isReader = (target: Target): boolean => !isPrimary(target)
    const members = byName(view)
    const isGone = (target: Target): boolean => isReader(target) && isDown(members, target)
    const isElsewhere = (target: Target): boolean => isReader(target) && hasMoved(members, target)
    Promise.all([
      this.#server.closeSessions(isGone, 'member-down', 'it is down'),
      this.#server.closeSessions(isElsewhere, 'member-moved', 'its address has changed'),
    ]).then(() => this.#closed(null), this.#closed)
  }

  /** Notes the leader. The one of a standby cluster is read-only: its readers may stay when another member takes over. */
  #noteLeader({ leader, primary: { member }, standbyCluster }: ClusterView): void {
    this.#leader = member ?? leader
    const named = [member, standbyCluster ? null : leader].filter((name) => name !== null)
    this.#promoted = new Set([...this.#promoted, ...named])
  }

  /** Lets no new connection through to the primary any more; `reason`: for clients whose wait ends without one. */
  hold(reason: string): void {
    this.#primary = null
    this.#whyNoPrimary = reason
    this.#update()
  }

  /** Holds all new clients by request, whatever they could be served by; null: no longer. */
  pause(why: string | null): void {
    this.#requested = why
    this.#update()
  }

  /**
   * Closes every session and dial on a primary of another epoch, and every session that a former leader took while it was a
   * replica. Rejects when one of them could not be closed.
   */
  async fence(epoch: number, reason: string): Promise<void> {
    // A promotion cuts nothing: the leader that was not open before keeps its readers until another one follows it.
    const isStaying = (name: string): boolean => name === this.#leader && name !== this.#former
    const over = new Set([...this.#promoted].filter((name) => !isStaying(name)))
    this.#promoted = new Set([...this.#promoted].filter((name) => name === this.#leader))
    this.#former = null
    // It holds already. It must hold to be fenced: a dial that begins afterwards is not closed.
    this.#primary = null
    this.#update()
    const isOver = (target: Target): boolean => (isPrimary(target) ? target.epoch !== epoch : over.has(target.member))
    await this.#server.fence(isOver, 'fence', reason)
  }

  /**
   * Destroys every socket that leads to a server, where a fence has failed. The route is shut then, until `hold` or a view.
   *
   * @throws AggregateError when some are still there.
   */
  destroy(reason: string): void {
    this.#primary = null
    this.#whyNoPrimary = reason
    this.#former = null
    this.#promoted = new Set([...this.#promoted].filter((name) => name === this.#leader))
    this.#server.destroy('fence', reason)
  }

  /** Shuts the route because of `reason`, and forgets what it may open: only the next view that is taken opens it again. */
  forget(reason: string): void {
    this.#primary = null
    this.#whyNoPrimary = reason
    this.#state = { ...NEW_ROUTE, withinLag: this.#state.withinLag }
    this.#server.shut(reason, this.#requested !== null)
  }

  /** Lets new connections through to the primary, whose epoch is the one fenced last. */
  open(target: Target): void {
    this.#primary = target
    this.#former = target.member
    this.#update()
  }

  #update(): void {
    const { targets, admitsPrimary } = this.#state
    const isBack = this.#targets.length === 0
    this.#targets = admitsPrimary && this.#primary !== null ? [...targets, this.#primary] : targets
    const fallback = this.#fallback()
    if (this.#requested !== null) this.#server.shut(this.#requested, true)
    else if (this.#targets.length > 0 || fallback !== null) this.#server.open(this.#targets, fallback)
    else this.#server.shut(this.#whyShut())
    if (this.#targets.length > 0 && isBack) this.#endFallback()
    const isFallback = this.#targets.length === 0 && this.#requested === null
    if (isFallback && fallback !== null) this.#beginFallback(fallback)
  }

  get status(): Pick<ListenerStatus, 'members' | 'downs' | 'fallback'> {
    const at = now()
    const members = this.#uses.flatMap(({ member, fit, reason }) => {
      const known = this.#availability.get(member)
      if (known === undefined) return []
      const { since, downs } = known
      return [{ member, fit, reason, since, downs, downMs: downMsAt(known, at) }]
    })
    return { members, downs: this.#service.downs, fallback: this.#targets.length === 0 && this.#fallback() !== null }
  }

  /** Returns the member that serves when no member of the route can; null before that is known. */
  #fallback(): Target | null {
    const { fallback, route } = this.#listener
    return fallback === 'primary' && !isForPrimary(route) && !this.#state.isPending ? this.#primary : null
  }

  #beginFallback({ member }: Target): void {
    if (this.#isFallbackLogged) return
    this.#isFallbackLogged = true
    const { route } = this.#listener
    const fields = { event: 'fallback-begun', member }
    this.#log('warn', fields, `no ${nounOf(route)} can be used: new sessions go to the primary ${member}`)
  }

  #endFallback(): void {
    const { route, closeFallback } = this.#listener
    const members = this.#targets.map(({ member }) => member).join(', ')
    if (this.#isFallbackLogged) {
      const message = `${members} can be used again: new sessions no longer go to the primary`
      this.#log('info', { event: 'fallback-ended', members }, message)
    }
    this.#isFallbackLogged = false
    const isFallback = (target: Target): boolean => !isForPrimary(route) && isPrimary(target)
    if (closeFallback)
      this.#server.fence(isFallback, 'fallback-over', `${members} can be used again`).catch(this.#closed)
  }

  #whyShut(): string {
    const { route, fallback } = this.#listener
    if (route === 'primary') return this.#whyNoPrimary
    const reason = `no ${nounOf(route)} can be used`
    return isForPrimary(route) || fallback === 'primary' ? `${reason}; ${this.#whyNoPrimary}` : reason
  }
}
