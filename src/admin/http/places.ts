/** Places for what takes long: some are for this host alone, and one address cannot take all others. */
import { isLoopback } from './access.ts'

export interface PlaceLimits {
  readonly places: number
  /** Of these, those that only this host can have. */
  readonly reserved: number
  /** For each address but those of this host. */
  readonly perAddress: number
}

/** The client of a request that takes a place. */
export interface Taker {
  readonly address: string
  /** It is this host, and no proxy on it. */
  readonly isLocal: boolean
}

export class Places {
  readonly #limits: PlaceLimits
  readonly #taken = new Map<string, number>()
  #count = 0

  constructor(limits: PlaceLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#count
  }

  /** Takes a place. Returns what gives it back, once; null: there is none. */
  take({ address, isLocal }: Taker): (() => void) | null {
    const { places, reserved, perAddress } = this.#limits
    const own = this.#taken.get(address) ?? 0
    if (this.#count >= (isLocal ? places : places - reserved)) return null
    if (!isLoopback(address) && own >= perAddress) return null
    this.#count++
    this.#taken.set(address, own + 1)
    return () => this.#giveBack(address)
  }

  #giveBack(address: string): void {
    this.#count--
    const left = (this.#taken.get(address) ?? 0) - 1
    if (left > 0) this.#taken.set(address, left)
    else this.#taken.delete(address)
  }
}
