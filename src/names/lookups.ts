/**
 * Addresses of host names, looked up once for the whole process. Node's own lookups share two threads, so that two names
 * that hang keep every other one from being resolved; here each name has a process of its own, that can be ended.
 */
import { execFile } from 'node:child_process'
import { lookup as lookupHere, Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { failureOf, isLookupTimeout, lookupError } from '../errors.ts'
import { Places } from './places.ts'

/** How an address is found: rejects with an error whose `code` is one of getaddrinfo. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** Where a service is, by its SRV record. */
export interface Service {
  readonly name: string
  readonly port: number
}

/** How SRV records are found: rejects as `dns.resolveSrv`. */
export type ResolveServices = (name: string) => Promise<readonly Service[]>

export interface LookupsOptions {
  readonly resolve?: Resolve
  readonly resolveServices?: ResolveServices
  /** For one lookup. Default: 5 s. */
  readonly timeoutMs?: number
  /** How long a lookup may take while an earlier answer is there. Default: 200 ms. */
  readonly patienceMs?: number
  /** An answer younger than this is not looked up again. Default: 2 s. */
  readonly freshMs?: number
}

interface Name {
  /** The last good answer; empty: none yet. */
  addresses: readonly string[]
  resolvedAt: number
  /** At most one lookup of a name is under way. */
  underWay: Promise<readonly string[]> | null
  /** The last lookup had no answer in time. */
  hung: boolean
}

/** Lookups that have just begun, at a time: a lookup that takes longer leaves its place to the next. */
const PLACES = 64
const SLOW_MS = 100
/** Slow lookups at a time: beyond that the oldest is given up. */
const MOST_SLOW = 128
/** The same for names that hung before and were never resolved: they wait for each other alone. */
const HUNG_PLACES = 8
const HUNG_MS = 500
/** Names come from keys, without end: what was looked up first is forgotten first. */
const MOST_NAMES = 10_000

export class Lookups {
  readonly #resolve: Resolve
  /** Resolves with the SRV records of a name. Rejects as `dns.resolveSrv`. */
  readonly services: ResolveServices
  readonly #timeoutMs: number
  readonly #patienceMs: number
  readonly #freshMs: number
  readonly #names = new Map<string, Name>()
  readonly #closing = new AbortController()
  readonly #places = new Places(PLACES)
  readonly #hungPlaces = new Places(HUNG_PLACES)
  #failures = 0
  /** Slow lookups, the oldest first. */
  readonly #slow = new Set<AbortController>()

  constructor({
    resolve = bySystem,
    resolveServices = byResolver,
    timeoutMs = 5000,
    patienceMs = 200,
    freshMs = 2000,
  }: LookupsOptions = {}) {
    this.#resolve = resolve
    this.services = resolveServices
    this.#timeoutMs = timeoutMs
    this.#patienceMs = patienceMs
    this.#freshMs = freshMs
  }

  /** Returns how many lookups have failed. */
  get failures(): number {
    return this.#failures
  }

  /** For the `lookup` option of a connection. */
  readonly lookup: LookupFunction = (host, { all = false, family = 0 }, callback) => {
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family
    const found = (addresses: readonly string[]): void => {
      const usable = addresses
        .map((address) => ({ address, family: isIP(address) }))
        .filter((address) => wanted === 0 || address.family === wanted)
      const [first] = usable
      if (first === undefined) callback(lookupError(host, 'unknown'), '')
      else if (all) callback(null, usable)
      else callback(null, first.address, first.family)
    }
    void this.addresses(host).then(found, (error: unknown) =>
      callback(error instanceof Error ? error : lookupError(host, 'failed'), ''),
    )
  }

  /**
   * Resolves with the addresses of `host`, as the system resolves it. A lookup that fails or hangs takes no earlier
   * answer away. Rejects with an error of getaddrinfo where there has never been one.
   */
  async addresses(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host]
    const name = this.#nameOf(host)
    if (name.addresses.length > 0 && performance.now() - name.resolvedAt < this.#freshMs) return name.addresses
    name.underWay ??= this.#begin(host, name).finally(() => {
      name.underWay = null
    })
    if (name.addresses.length === 0) return await name.underWay
    const earlier = name.addresses
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    const timer = setTimeout(() => resolve(earlier), name.hung ? 0 : this.#patienceMs)
    try {
      return await Promise.race([name.underWay.catch(() => earlier), promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Takes the answer of an earlier run as the last good one: of no known age, until `host` is resolved again. */
  recall(host: string, addresses: readonly string[]): void {
    const name = this.#nameOf(host)
    if (name.addresses.length === 0) Object.assign(name, { addresses, resolvedAt: -Infinity })
  }

  /** Returns how long ago `host` was resolved last, in milliseconds; Infinity: never. */
  ageOf(host: string): number {
    if (isIP(host) !== 0) return 0
    const name = this.#names.get(host)
    return name === undefined || name.addresses.length === 0 ? Infinity : performance.now() - name.resolvedAt
  }

  #nameOf(host: string): Name {
    const name = this.#names.get(host) ?? { addresses: [], resolvedAt: 0, underWay: null, hung: false }
    this.#names.set(host, name)
    for (const [other, { underWay }] of this.#names) {
      if (this.#names.size <= MOST_NAMES) break
      if (underWay === null && other !== host) this.#names.delete(other)
    }
    return name
  }

  /** Ends the lookups that are under way, with an error. Idempotent. */
  close(): void {
    this.#closing.abort()
    this.#places.open()
    this.#hungPlaces.open()
  }

  async #begin(host: string, name: Name): Promise<readonly string[]> {
    // No name that hangs keeps others waiting, but those that hung as well.
    const isHung = name.hung && name.addresses.length === 0
    const leave = await (isHung ? this.#hungPlaces : this.#places).take()
    const giveUp = new AbortController()
    const slow = (): void => {
      name.hung = true
      this.#addSlow(giveUp)
      leave()
    }
    const timer = setTimeout(slow, isHung ? HUNG_MS : SLOW_MS)
    try {
      const limit = AbortSignal.timeout(this.#timeoutMs)
      const addresses = await this.#resolve(host, AbortSignal.any([this.#closing.signal, giveUp.signal, limit]))
      Object.assign(name, { addresses, resolvedAt: performance.now(), hung: false })
      return addresses
    } catch (error) {
      name.hung = isLookupTimeout(error)
      if (!this.#closing.signal.aborted) this.#failures++
      throw error
    } finally {
      clearTimeout(timer)
      this.#slow.delete(giveUp)
      leave()
    }
  }

  #addSlow(giveUp: AbortController): void {
    this.#slow.add(giveUp)
    const [oldest] = this.#slow
    if (oldest === undefined || this.#slow.size <= MOST_SLOW) return
    this.#slow.delete(oldest)
    oldest.abort()
  }
}

/** Resolves with getaddrinfo, so that /etc/hosts, search domains and nsswitch count. */
async function bySystem(host: string, signal: AbortSignal): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
  // A name that begins with a dash would be an option.
  execFile('getent', ['ahosts', '--', host], { signal, killSignal: 'SIGKILL' }, (error, output) => {
    if (error === null) resolve(addressesOf(output))
    else if (failureOf(error) === 'missing')
      resolve(lookupHere(host, { all: true }).then((all) => all.map(({ address }) => address)))
    else reject(lookupError(host, Number(error.code) === NOT_FOUND ? 'unknown' : signal.aborted ? 'silent' : 'failed'))
  })
  return await promise
}

/** Reads /etc/resolv.conf again with each name. */
async function byResolver(name: string): Promise<readonly Service[]> {
  return new Resolver({ timeout: 1500, tries: 2 }).resolveSrv(name)
}

/** What getent exits with where there is no such name. */
const NOT_FOUND = 2

function addressesOf(output: string): readonly string[] {
  const first = output.split('\n').map((line) => line.split(/\s/, 1)[0] ?? '')
  return [...new Set(first.filter((address) => isIP(address) !== 0))]
}
