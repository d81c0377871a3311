/** A line in the order of a key, which its members leave from any place: what one costs does not grow with the others. */
export class WaitingLine<T extends { readonly isWaiting: boolean }> {
  readonly #keyOf: (member: T) => number
  #members: T[] = []
  /** All before it have left. */
  #head = 0
  #waiting = 0

  /** `keyOf`: what does not change while it waits. */
  constructor(keyOf: (member: T) => number) {
    this.#keyOf = keyOf
  }

  /** Inserts it behind those with the same key; for most that is the end. */
  add(member: T): void {
    const key = this.#keyOf(member)
    const last = this.#members.at(-1)
    if (last === undefined || this.#keyOf(last) <= key) this.#members.push(member)
    else this.#members.splice(this.#placeOf(key), 0, member)
    this.#waiting++
  }

  /** Returns the one at the head. */
  first(): T | null {
    for (; this.#head < this.#members.length; this.#head++) {
      const member = this.#members[this.#head]
      if (member?.isWaiting === true) return member
    }
    return null
  }

  /** Returns all that wait, in their order. */
  all(): readonly T[] {
    return this.#members.slice(this.#head).filter(({ isWaiting }) => isWaiting)
  }

  /** Notes that a member waits no longer. It is kept until as many as are still waiting have left. */
  left(): void {
    this.#waiting--
    if (this.#members.length <= 2 * this.#waiting + SPARE) return
    this.#members = this.#members.filter(({ isWaiting }) => isWaiting)
    this.#head = 0
  }

  /** Returns `count` members at equal distances up to the last one, with the place of each: about how many are before it, and itself. */
  sample(count: number): readonly { readonly member: T; readonly place: number }[] {
    const from = this.#head
    const step = (this.#members.length - from) / count
    return Array.from({ length: count }, (_, n) => {
      const member = this.#members[from + Math.ceil((n + 1) * step) - 1]
      return member?.isWaiting === true ? [{ member, place: Math.ceil(((n + 1) / count) * this.#waiting) }] : []
    }).flat()
  }

  /** Returns the index of the first one with a greater key. */
  #placeOf(key: number): number {
    let low = this.#head
    let high = this.#members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const member = this.#members[middle]
      if (member !== undefined && this.#keyOf(member) <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** How many of those that have left are kept at least. */
const SPARE = 64
