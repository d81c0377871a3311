/** A token of etcd: fetched when it is first needed, renewed before its end where that is known, else when it is refused. */
import { now } from '../../../clock.ts'

interface Held {
  /** null: etcd requires no password. */
  readonly value: string | null
  readonly receivedAt: number
  /** Milliseconds; null: it is not known. */
  readonly lifetimeMs: number | null
}

/** Which part of a token's life has to be over for it to be renewed meanwhile, and for calls to wait for that. */
const RENEW_AT = 0.5
const WAIT_AT = 0.75

export class Token {
  readonly #fetch: () => Promise<string | null>
  #held: Held | null = null
  #renewal: Promise<string | null> | null = null

  /** `fetch` gets a token from etcd; null where etcd requires no password. */
  constructor(fetch: () => Promise<string | null>) {
    this.#fetch = fetch
  }

  /** Returns a token that is valid, as far as can be known. Rejects with what `fetch` rejects with. */
  async get(): Promise<string | null> {
    const held = this.#held
    if (held === null) return this.#renew()
    const part = held.lifetimeMs === null ? 0 : (now() - held.receivedAt) / held.lifetimeMs
    if (part < RENEW_AT) return held.value
    // The one that is held may be good still: if it is not, etcd says so.
    const renewed = this.#renew().catch(() => held.value)
    return part < WAIT_AT ? held.value : renewed
  }

  /** Returns another token than the one that etcd has refused. */
  async replace(refused: string | null): Promise<string | null> {
    return this.#held !== null && this.#held.value !== refused ? this.#held.value : this.#renew()
  }

  #renew(): Promise<string | null> {
    this.#renewal ??= this.#fetchOne().finally(() => (this.#renewal = null))
    return this.#renewal
  }

  async #fetchOne(): Promise<string | null> {
    const value = await this.#fetch()
    const endsAt = value === null ? null : expiryOf(value)
    const lifetimeMs = endsAt === null ? null : endsAt - Date.now()
    // With a clock that is not etcd's its end is not known here.
    this.#held = { value, receivedAt: now(), lifetimeMs: lifetimeMs !== null && lifetimeMs > 0 ? lifetimeMs : null }
    return value
  }
}

/**
 * Returns when a JSON Web Token ends, in milliseconds since the epoch by the clock of its issuer; null: it is another
 * kind of token.
 */
export function expiryOf(token: string): number | null {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const end = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null
    return typeof end === 'number' ? end * 1000 : null
  } catch {
    // A simple token of etcd, `name.number`, or one of a kind that is not known: it is renewed when it is refused.
    return null
  }
}
