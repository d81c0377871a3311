/** A limit of the clients that are connected at a time. A silent client gives way to one that has just connected. */
import type { Client } from './client.ts'

/** For this long a client may have had no time to say what it wants. Milliseconds. */
const MIN_SILENCE_MS = 1000
/** The same where another one has said what it wants. */
const MIN_SILENCE_BESIDE_SPEAKER_MS = 250

export interface ConnectionCounts {
  /** Clients that are held or have a session. */
  readonly open: number
  /** All since the start. */
  readonly accepted: number
}

export class ConnectionLimit {
  /** Infinity: none. Lowering it closes no client. */
  max: number
  readonly #taken = new Set<Client>()
  #total = 0
  /** Clients that had sent nothing when they were looked at last; the oldest first. */
  readonly #silent = new Set<Client>()

  constructor(limit: number) {
    this.max = limit
  }

  get counts(): ConnectionCounts {
    return { open: this.#taken.size, accepted: this.#total }
  }

  /** Returns whether one more client may come, be it for a silent one, which is closed then. `hasSpoken`: the one that comes. */
  makeRoom(hasSpoken = false): boolean {
    if (this.#taken.size < this.max) return true
    const minSilenceMs = hasSpoken ? MIN_SILENCE_BESIDE_SPEAKER_MS : MIN_SILENCE_MS
    for (const client of this.#silent) {
      if (!client.hasSpoken && client.ageMs < minSilenceMs) return false
      this.#silent.delete(client)
      if (client.hasSpoken || !this.#taken.delete(client)) continue
      client.drop('it had sent no startup packet, and its place was needed')
      return true
    }
    return false
  }

  /** Counts it until `leave`, which is due when its connection is closed. */
  take(client: Client): void {
    this.#total++
    this.#taken.add(client)
    this.#silent.add(client)
  }

  /** Counts it no longer. */
  leave(client: Client): void {
    this.#taken.delete(client)
    this.#silent.delete(client)
  }
}
