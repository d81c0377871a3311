/** Clients that are turned away: each learns why, as far as its protocol allows, and none of them stays for long. */
import type { ProxyConfig } from '../config/config.ts'
import { fatalError, NOT_WILLING } from '../pgwire.ts'
import type { Client } from './client.ts'

/** What a client reads. */
export interface Refusal {
  readonly sqlState: '53300' | '57P03'
  readonly message: string
  /** May be empty. */
  readonly hint: string
}

/** How long a client may take to say what it wants, and once more to go on in plaintext. Milliseconds. */
export const PATIENCE_MS = 5000
/** GSSENCRequest and SSLRequest, each once: what libpq tries before plaintext. */
const MAX_REQUESTS = 2

export class Refusals {
  readonly #tls: ProxyConfig['hold']['refuseTls']
  readonly #limit: number
  /** The oldest first. */
  readonly #leaving = new Set<Client>()

  /** `limit`: how many may be on their way out at a time; where there is one more, the oldest silent one is closed. */
  constructor(tls: ProxyConfig['hold']['refuseTls'], limit: number) {
    this.#tls = tls
    this.#limit = limit
  }

  /** Whether it is on its way out, and ends by itself. */
  has(client: Client): boolean {
    return this.#leaving.has(client)
  }

  /** Counts a client that is going to be refused as one on its way out, until it is closed. */
  admit(client: Client): void {
    if (this.#leaving.has(client) || client.socket.closed) return
    this.#leaving.add(client)
    client.socket.once('close', () => this.#leaving.delete(client))
    if (this.#leaving.size <= this.#limit) return
    // Rather one that has not spoken: the others are about to read why.
    const all = [...this.#leaving]
    const leaver = all.find(({ hasSpoken }) => !hasSpoken) ?? all[0]
    if (leaver === undefined) return
    this.#leaving.delete(leaver)
    leaver.drop('too many others were being refused')
  }

  /** Resolves when those that are on their way out now are closed. */
  async settled(): Promise<void> {
    await Promise.all([...this.#leaving].map((client) => client.closed))
  }

  /**
   * Tells the client why and closes. One that asks for encryption is answered that there is none: most go on in plaintext
   * then, where the reason can be read. Whatever it says after that, it is for no server. Resolves when it is closed.
   */
  async refuse(client: Client, { sqlState, message, hint }: Refusal): Promise<void> {
    this.admit(client)
    const deadline = performance.now() + PATIENCE_MS
    for (let n = 0; this.#tls === 'answer' && n < MAX_REQUESTS && client.kind === 'encryption-request'; n++) {
      client.answer(NOT_WILLING)
      await client.first(deadline - performance.now())
    }
    if (client.kind === 'startup') await client.farewell(fatalError(sqlState, message, hint))
    else client.destroy()
  }
}
