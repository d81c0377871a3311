/** What templates know of one cluster: how it is now, and whether that may be written into files yet. */
import type { ClusterView } from '../watcher/view.ts'
import { contextOf, type TemplateContext } from './engine/context.ts'
import { headOf, PATIENCE_MS, whyNotYet } from './groups/readiness.ts'

export class Observed {
  readonly name: string
  readonly #changed: () => void
  #view: ClusterView | null = null
  #head: string | null = null
  #context: { readonly of: ClusterView; readonly context: TemplateContext } | null = null
  /** Since when the cluster is known, while those of its members are waited for that have not answered. */
  #patience: NodeJS.Timeout | 'not-begun' | 'over' = 'not-begun'

  /** `changed` is called when time alone has removed an obstacle. */
  constructor(name: string, changed: () => void) {
    this.name = name
    this.#changed = changed
  }

  /** Takes the view; true: what has changed is urgent. */
  apply(view: ClusterView): boolean {
    this.#view = view
    this.#awaitAnswers(view)
    const head = headOf(view)
    const isUrgent = head !== this.#head
    this.#head = head
    return isUrgent
  }

  /** null: nothing was ever told of it. */
  get context(): TemplateContext | null {
    const view = this.#view
    if (view === null) return null
    if (this.#context?.of !== view) this.#context = { of: view, context: contextOf(view) }
    return this.#context.context
  }

  /** Why nothing is to be written of it yet; null: it may be. */
  get obstacle(): string | null {
    if (this.#view === null) return 'the cluster is not known yet'
    return whyNotYet(this.#view, this.#patience !== 'over')
  }

  get isRead(): boolean {
    return this.#view !== null && whyNotYet(this.#view, false) === null
  }

  close(): void {
    if (typeof this.#patience === 'object') clearTimeout(this.#patience)
  }

  /** From when on the cluster is known, for a while, whoever has not answered yet is waited for. */
  #awaitAnswers(view: ClusterView): void {
    if (this.#patience === 'over' || whyNotYet(view, false) !== null) return
    if (whyNotYet(view, true) === null) this.#endPatience()
    else if (this.#patience === 'not-begun') this.#patience = setTimeout(() => this.#endPatience(), PATIENCE_MS)
  }

  #endPatience(): void {
    this.close()
    this.#patience = 'over'
    this.#changed()
  }
}
