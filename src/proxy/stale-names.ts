/** Host names that were resolved too long ago to be dialled where members are not confirmed (`trust: dcs`). */
import type { ClusterView } from '../watcher/view.ts'

/** For so long the address of a name counts. Milliseconds. */
const STALE_MS = 60_000
/** How often the ages are looked at. Milliseconds. */
const LOOK_MS = 1000

export class StaleNames {
  readonly #ageOf: (host: string) => number
  readonly #changed: (stale: readonly string[]) => void
  #hosts: readonly string[] = []
  #stale: readonly string[] = []
  #timer: NodeJS.Timeout | null = null

  /** `ageOf`: how long ago a name was resolved last, in milliseconds. `changed`: called with all that are stale. */
  constructor(ageOf: (host: string) => number, changed: (stale: readonly string[]) => void) {
    this.#ageOf = ageOf
    this.#changed = changed
  }

  /** Looks at the names of these members from now on. */
  watch({ members, primary }: ClusterView): void {
    const addresses = [primary.address, ...members.map(({ address }) => address)]
    this.#hosts = [...new Set(addresses.flatMap((address) => (address === null ? [] : [address.host])))]
    this.#look()
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS)
  }

  /** Looks at none any more. Idempotent. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    const stale = this.#hosts.filter((host) => this.#ageOf(host) > STALE_MS)
    if (stale.join(' ') === this.#stale.join(' ')) return
    this.#stale = stale
    this.#changed(stale)
  }
}
