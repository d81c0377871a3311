/**
 * Which nodes have changed and have not been read again, and whether what was read is what the server had at some moment. A server
 * sends the notification of a change before any answer that shows it or a later one, and in the order of the changes. Pure.
 */
export class Unread {
  /** How many changes were noted. */
  #noted = 0
  /** The number of the newest change that is in what was read. */
  #shown = 0
  /** The numbers of the first and the last change of each node since it was read, in the order of the first. */
  readonly #changes = new Map<string, { readonly first: number; readonly last: number }>()

  /** Returns the nodes. */
  get nodes(): readonly string[] {
    return [...this.#changes.keys()]
  }

  /** Returns whether all that was noted has been read. */
  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  /** Returns whether no change is read while an earlier one is not. */
  get isMoment(): boolean {
    const [oldest] = this.#changes.values()
    return oldest === undefined || this.#shown < oldest.first
  }

  /** Takes that a node has changed. */
  changed(path: string): void {
    const number = ++this.#noted
    this.#changes.set(path, { first: this.#changes.get(path)?.first ?? number, last: number })
  }

  /** Takes that a node has gone, which needs no reading. */
  gone(path: string): void {
    this.#changes.delete(path)
    this.#shown = ++this.#noted
  }

  /**
   * Takes that the answer about a node has come, which shows its changes that were noted; `isOnce`: or more, for its watch has reported
   * one only.
   */
  answered(path: string, isOnce: boolean): void {
    const change = this.#changes.get(path)
    this.#changes.delete(path)
    this.#shown = isOnce ? this.#noted : Math.max(this.#shown, change?.last ?? 0)
  }
}
