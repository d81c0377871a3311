/** What templates know of one cluster: how it is now, and whether that may be written into files yet. */
import type { PrimaryState } from '../config/config.ts'
import { type ClusterView, isUnasked, takesNew } from '../watcher/view.ts'
import { contextOf, type TemplateContext } from './engine/context.ts'

/** For what members have not answered after this a file does not wait. Milliseconds. */
export const FIRST_ANSWERS_MS = 3000

export class ClusterInput {
  readonly #changed: () => void
  #view: ClusterView | null = null
  #urgent: string | null = null
  #context: { readonly of: ClusterView; readonly context: TemplateContext } | null = null
  /** From when on the cluster is known, for a while, members that have not answered yet are waited for. */
  #wait: NodeJS.Timeout | 'not-begun' | 'over'
  /** It has had the time to become known. */
  #isLate: boolean
  #lateness: NodeJS.Timeout | null = null

  /** Starts nothing. `changed` is called when time alone has removed an obstacle. `waits`: members that have not answered are waited for. */
  constructor(changed: () => void, waits: boolean) {
    this.#changed = changed
    this.#wait = waits ? 'not-begun' : 'over'
    this.#isLate = !waits
  }

  /** Begins to wait for the cluster to become known. */
  start(): void {
    if (this.#isLate) return
    this.#lateness = setTimeout(() => {
      this.#isLate = true
      this.#changed()
    }, FIRST_ANSWERS_MS)
  }

  /** Takes the view; returns whether what has changed is urgent. */
  apply(view: ClusterView): boolean {
    this.#view = view
    this.#awaitAnswers(view)
    const urgent = urgentPartOf(view)
    const isUrgent = urgent !== this.#urgent
    this.#urgent = urgent
    return isUrgent
  }

  /** Returns the last view; null: there was none yet. */
  get view(): ClusterView | null {
    return this.#view
  }

  get context(): TemplateContext | null {
    const view = this.#view
    if (view === null) return null
    if (this.#context?.of !== view) this.#context = { of: view, context: contextOf(view) }
    return this.#context.context
  }

  /** Returns why nothing is to be written of it yet; null: it may be. */
  get obstacle(): string | null {
    return this.#view === null ? UNKNOWN : whyNotYet(this.#view, this.#wait !== 'over')
  }

  /** Returns whether it is not known although it has had the time for it. */
  get isMissing(): boolean {
    return this.#isLate && !this.isRead
  }

  /** Returns whether its DCS has been read, or a member is confirmed as its primary without it. */
  get isRead(): boolean {
    return this.#view !== null && whyNotYet(this.#view, false) === null
  }

  close(): void {
    this.#stopWaiting()
    if (this.#lateness !== null) clearTimeout(this.#lateness)
  }

  #stopWaiting(): void {
    if (typeof this.#wait === 'object') clearTimeout(this.#wait)
  }

  #awaitAnswers(view: ClusterView): void {
    if (this.#wait === 'over' || whyNotYet(view, false) !== null) return
    if (whyNotYet(view, true) === null) this.#endWait()
    else if (this.#wait === 'not-begun') this.#wait = setTimeout(() => this.#endWait(), FIRST_ANSWERS_MS)
  }

  #endWait(): void {
    this.#stopWaiting()
    this.#wait = 'over'
    this.#changed()
  }
}

export const UNKNOWN = 'the cluster is not known yet'

/**
 * Returns why nothing is to be written yet; null: it may be. Without a DCS that was ever read, the members that an earlier
 * run has kept do, as soon as one of them is confirmed as the primary. `waits`: whether members that have not answered
 * yet are waited for: at the start half of the answers are out, and a file of half the replicas would be loaded first and
 * a whole one right after it.
 */
export function whyNotYet(view: ClusterView, waits: boolean): string | null {
  const { dcs, leader, primary, members, standbyCluster } = view
  if (dcs.state === 'never' && !takesNew(primary.state))
    return 'the cluster is not known: its DCS has not been read yet'
  if (!waits) return null
  const isAsked = leader !== null && !standbyCluster && UNDECIDED.has(primary.state)
  if (isAsked) return `${leader} has not answered yet`
  const silent = members.find(isUnasked)
  return silent === undefined ? null : `${silent.name} has not answered yet`
}

/** States in which the leader's answer decides what comes next. */
const UNDECIDED: ReadonlySet<PrimaryState> = new Set([
  'promoting',
  'unconfirmed',
  // Its REST API may only be slow.
  'unverified',
  'none',
])

/** Returns what makes a change urgent: the member that the DCS names, and the member that is open for writes, with its address. */
export function urgentPartOf({ leader, primary }: ClusterView): string {
  const { state, member, address } = primary
  return JSON.stringify([leader, takesNew(state) ? [member, address] : null])
}
