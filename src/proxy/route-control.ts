/** Keeps the clients of one listener in line with the view, and with the primary that the data plane has opened. */
import type { Logger } from 'pino'
import type { ListenerConfig } from '../config/config.ts'
import { logLines } from '../text/log-line.ts'
import type { ClusterView } from '../watcher/view.ts'
import type { DataPlane } from './primary-fence.ts'
import { useLines, NOTHING_LOGGED } from './log-lines.ts'
import { hasMoved, isDown, isForPrimary, isPrimary, NEW_ROUTE, nounOf, routeStep, type Target } from './route.ts'
import type { RouteServer } from './route-server.ts'
import type { ListenerStatus } from './status.ts'

/** What is told to the server of the route. */
export type Controlled = Pick<RouteServer, 'open' | 'shut' | 'fence' | 'closeSessions'>

export class RouteControl implements DataPlane {
  readonly #listener: ListenerConfig
  readonly #server: Controlled
  readonly #log: Logger
  #state = NEW_ROUTE
  #logged = NOTHING_LOGGED
  /** Open, and its epoch is fenced everywhere. */
  #primary: Target | null = null
  /** Was open since the last fence. */
  #former: string | null = null
  /** Who leads, be it without having been opened yet. */
  #leader: string | null = null
  /**
   * Everybody who led since the last fence. Sessions that one of them took while it was a replica outlive its promotion
   * and can write: they end when its reign does.
   */
  #promoted: ReadonlySet<string> = new Set()
  #whyNoPrimary = 'the cluster is not known yet'
  /** The members that new sessions go to; not the fallback. */
  #targets: readonly Target[] = []
  #isFallbackLogged = false

  constructor(listener: ListenerConfig, server: Controlled, log: Logger) {
    this.#listener = listener
    this.#server = server
    this.#log = log
  }

  /** Takes the next view, which new connections follow with the next `hold`, `open` or `update`. */
  observe(view: ClusterView): void {
    this.#state = routeStep(this.#state, view, this.#listener)
    const { lines, logged } = useLines(this.#listener.name, this.#logged, this.#state.uses)
    this.#logged = logged
    logLines(this.#log, lines)
    const isReader = (target: Target): boolean => !isPrimary(target)
    void this.#server.closeSessions((target) => isReader(target) && isDown(view, target), 'member-down', 'it is down')
    void this.#server.closeSessions(
      (target) => isReader(target) && hasMoved(view, target),
      'member-moved',
      'its address has changed',
    )
    this.#noteLeader(view)
  }

  /** The leader of a standby cluster takes no writes: readers may stay when another one takes over. */
  #noteLeader({ leader, primary: { member }, standbyCluster }: ClusterView): void {
    this.#leader = member ?? leader
    const named = [member, standbyCluster ? null : leader].filter((name) => name !== null)
    this.#promoted = new Set([...this.#promoted, ...named])
  }

  hold(reason: string): void {
    this.#primary = null
    this.#whyNoPrimary = reason
    this.update()
  }

  async fence(epoch: number, reason: string): Promise<void> {
    // A promotion cuts nothing: the leader that was not open before keeps its readers until another one follows it.
    const isStaying = (name: string): boolean => name === this.#leader && name !== this.#former
    const over = new Set([...this.#promoted].filter((name) => !isStaying(name)))
    this.#promoted = new Set([...this.#promoted].filter((name) => name === this.#leader))
    this.#former = null
    const isOver = (target: Target): boolean => (isPrimary(target) ? target.epoch !== epoch : over.has(target.member))
    await this.#server.fence(isOver, 'fence', reason)
  }

  open(target: Target): void {
    this.#primary = target
    this.#former = target.member
    this.update()
  }

  /** Lets new connections through to whom they may go to now, or holds them. */
  update(): void {
    const { targets, admitsPrimary } = this.#state
    const isBack = this.#targets.length === 0
    this.#targets = admitsPrimary && this.#primary !== null ? [...targets, this.#primary] : targets
    const fallback = this.#fallback()
    if (this.#targets.length > 0 || fallback !== null) this.#server.open(this.#targets, fallback)
    else this.#server.shut(this.#whyNobody())
    if (this.#targets.length > 0 && isBack) this.#endFallback()
    if (this.#targets.length === 0 && fallback !== null) this.#beginFallback(fallback)
  }

  get status(): Pick<ListenerStatus, 'members' | 'fallback'> {
    const members = this.#state.uses.map(({ member, fit, reason }) => ({ member, fit, reason }))
    return { members, fallback: this.#targets.length === 0 && this.#fallback() !== null }
  }

  /** Who serves when no member of the route can; nobody before that is known. */
  #fallback(): Target | null {
    const { fallback, route } = this.#listener
    return fallback === 'primary' && !isForPrimary(route) && !this.#state.isPending ? this.#primary : null
  }

  #beginFallback({ member }: Target): void {
    if (this.#isFallbackLogged) return
    this.#isFallbackLogged = true
    const { name, route } = this.#listener
    const fields = { event: 'fallback-begun', member }
    this.#log.warn(fields, `${name}: no ${nounOf(route)} takes connections: new sessions go to the primary ${member}`)
  }

  #endFallback(): void {
    const { name, route, closeFallback } = this.#listener
    const members = this.#targets.map(({ member }) => member).join(', ')
    if (this.#isFallbackLogged) {
      const message = `${name}: ${members} can be used again: new sessions no longer go to the primary`
      this.#log.info({ event: 'fallback-ended', members }, message)
    }
    this.#isFallbackLogged = false
    const isFallback = (target: Target): boolean => !isForPrimary(route) && isPrimary(target)
    if (closeFallback) void this.#server.fence(isFallback, 'fallback-over', `${members} can be used again`)
  }

  #whyNobody(): string {
    const { route, fallback } = this.#listener
    if (route === 'primary') return this.#whyNoPrimary
    const nobody = `no ${nounOf(route)} takes connections`
    return isForPrimary(route) || fallback === 'primary' ? `${nobody}; ${this.#whyNoPrimary}` : nobody
  }
}
