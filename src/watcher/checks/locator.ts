/** Finds out what the names of members lead to, and at which of their addresses they are to be asked. */
import { connect, isIP } from 'node:net'
import type { ProxyConfig } from '../../config/config.ts'
import { hostAmong, lookupAmong } from '../../names/among.ts'
import type { Lookups } from '../../names/lookups.ts'
import { addressOf } from '../members/known-members.ts'
import type { Member } from '../members/member.ts'
import { afterLookup, askedAt, type Candidates, hostOf, type Pin, type Standing } from '../members/pins.ts'

/** What the names of a member lead to now; no addresses: that is not known. */
export interface Found {
  /** By which it is asked and dialled: names or addresses. */
  readonly restHost: string | null
  readonly host: string | null
  readonly port: number
  readonly rest: readonly string[]
  readonly postgres: readonly string[]
}

export class Locator {
  readonly #config: () => Pick<ProxyConfig, 'address' | 'trust' | 'check'>
  readonly #lookups: Lookups

  constructor(config: () => Pick<ProxyConfig, 'address' | 'trust' | 'check'>, lookups: Lookups) {
    this.#config = config
    this.#lookups = lookups
  }

  /** Looks up the names of `member`, each once. Never rejects. */
  async find(member: Member): Promise<Found> {
    const { address, trust } = this.#config()
    const dialled = addressOf(member, address)
    // With `trust: dcs` no member is queried.
    const restHost = member.restUrl === null || trust === 'dcs' ? null : hostOf(member.restUrl)
    const host = dialled?.host ?? null
    const [rest, postgres] = await Promise.all([this.#addresses(restHost), this.#addresses(host)])
    return { restHost, host, port: dialled?.port ?? 0, rest, postgres }
  }

  /** Returns where a member is to be asked; null: the addresses of its name are not known. */
  candidates({ restHost, rest }: Found, pin: Pin, standing: Standing): Candidates | null {
    return restHost === null || rest.length === 0 ? null : askedAt(pin.get(restHost), rest, standing)
  }

  /** Returns what each name of a member leads to. */
  lookups({
    restHost,
    host,
    rest,
    postgres,
  }: Found): readonly (readonly [host: string, addresses: readonly string[]])[] {
    return [
      ...(restHost === null ? [] : [[restHost, rest] as const]),
      ...(host === null ? [] : [[host, postgres] as const]),
    ]
  }

  /** Returns what is left of `pin`, given what was found. */
  kept({ restHost, host, rest, postgres }: Found, pin: Pin): Pin {
    const kept = restHost === null ? pin : afterLookup(pin, restHost, rest)
    return host === null ? kept : afterLookup(kept, host, postgres)
  }

  /** Finds out what the names of a member that has answered well `at` an address lead to from now on. Never rejects. */
  async pinned(found: Found, before: Pin, at: string | null, signal: AbortSignal): Promise<Pin> {
    const { restHost, host, port, postgres } = found
    const pin = new Map<string, string>()
    if (restHost !== null && at !== null && isIP(restHost) === 0) pin.set(restHost, at)
    if (host === null || isIP(host) !== 0 || pin.has(host)) return pin
    const earlier = before.get(host)
    const isThere = earlier !== undefined && (postgres.length === 0 || postgres.includes(earlier))
    const ip = isThere ? earlier : await this.#reachable(postgres, earlier, port, signal)
    if (ip !== null) pin.set(host, ip)
    return pin
  }

  /**
   * Finds an address that answers. Where the name now resolves elsewhere and nothing listens there, the server is still at its old address.
   */
  async #reachable(now: readonly string[], earlier: string | undefined, port: number, signal: AbortSignal) {
    const addresses = earlier === undefined ? now : [...now, earlier]
    return await reachableAt(addresses, port, this.#config().check.timeoutMs, signal)
  }

  /** Looks up `host`, in the time that a check has; no addresses: they are not known. Never rejects. */
  async #addresses(host: string | null): Promise<readonly string[]> {
    if (host === null) return []
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    const timer = setTimeout(() => resolve([]), this.#config().check.timeoutMs)
    try {
      return await Promise.race([this.#lookups.addresses(host).catch(() => []), promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * Returns the one of `addresses` that takes a connection to `port` first; null: none within `timeoutMs`. Never rejects.
 */
async function reachableAt(
  addresses: readonly string[],
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  if (addresses.length < 2 || signal.aborted) return addresses[0] ?? null
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const socket = connect({ host: hostAmong(addresses), port, lookup: lookupAmong })
  const giveUp = (): void => resolve(null)
  const timer = setTimeout(giveUp, timeoutMs)
  signal.addEventListener('abort', giveUp, { once: true })
  socket.once('connect', () => resolve(socket.remoteAddress ?? null))
  socket.on('error', giveUp)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}
