/** Clients that are refused: each can read why, as far as its protocol allows, and none of them stays for long. */
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

/** Read again for each client. */
export type RefusalSettings = Pick<ProxyConfig['hold'], 'refuseTls'>

/** How long a client may take for its first packet, and once more to continue in plaintext. Milliseconds. */
export const PATIENCE_MS = 5000
/** GSSENCRequest and SSLRequest, each once: what libpq tries before plaintext. */
const MAX_REQUESTS = 2

export class Refusals {
  readonly #settings: RefusalSettings
  readonly #limit: () => number
  /** What each is going to read; the oldest first. */
  readonly #leaving = new Map<Client, Refusal>()

  /** `limit`: how many may be on their way out at a time; where there is one more, the oldest silent one is closed. */
  constructor(settings: RefusalSettings, limit: () => number) {
    this.#settings = settings
    this.#limit = limit
  }

  /** Returns whether it is on its way out, and ends by itself. */
  has(client: Client): boolean {
    return this.#leaving.has(client)
  }

  /** Counts a client that is going to be refused as one on its way out, until it is closed. */
  admit(client: Client, refusal: Refusal): void {
    if (this.#leaving.has(client) || client.socket.closed) return
    this.#leaving.set(client, refusal)
    client.socket.once('close', () => this.#leaving.delete(client))
    if (this.#leaving.size > this.#limit()) this.#hurry()
  }

  /** Closes one: a client that has been refused, or else a silent one, since the others are about to read why. */
  #hurry(): void {
    const all = [...this.#leaving]
    const [leaver, refusal] =
      all.find(([{ isGone }]) => isGone) ?? all.find(([{ hasSpoken }]) => !hasSpoken) ?? all[0] ?? []
    if (leaver === undefined || refusal === undefined) return
    this.#leaving.delete(leaver)
    if (leaver.isGone) leaver.destroy()
    else leaver.drop('too many other clients were being refused', leaver.hasSpoken ? undefined : lastWords(refusal))
  }

  /** Forgets a client that is not on its way out after all. */
  release(client: Client): void {
    this.#leaving.delete(client)
  }

  /** Resolves when those that are on their way out now are closed. */
  async settled(): Promise<void> {
    await Promise.all([...this.#leaving.keys()].map((client) => client.whenClosed))
  }

  /**
   * Sends the client the reason and closes. A request for encryption is answered with no: most clients continue in plaintext
   * then, where the reason can be read. All that the client sends after that is for no server. Resolves when it is closed.
   */
  async refuse(client: Client, refusal: Refusal): Promise<void> {
    this.admit(client, refusal)
    const deadline = performance.now() + PATIENCE_MS
    for (
      let n = 0;
      this.#settings.refuseTls === 'answer' && n < MAX_REQUESTS && client.kind === 'encryption-request';
      n++
    ) {
      client.answer(NOT_WILLING)
      await client.first(deadline - performance.now())
    }
    if (client.kind === 'startup') await client.farewell(lastWords(refusal))
    else client.destroy()
  }
}

function lastWords({ sqlState, message, hint }: Refusal): Buffer {
  return fatalError(sqlState, message, hint)
}
