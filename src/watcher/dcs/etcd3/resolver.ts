/** Names of etcd endpoints: looked up with all others of the process, not on the two threads that Node's lookups share. */
import { isIP } from 'node:net'
import { explain } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { type ChannelOptions, experimental, Metadata, status } from './library.ts'

type Listener = experimental.ResolverListener
type Uri = experimental.GrpcUri

const SCHEME = 'patroni-router'
const LOOKUPS = 'patroni-router.lookups'

/**
 * From one answer to the next. gRPC asks again as soon as it has connected to none of the addresses, and connects to none
 * again until it has waited: without a pause the two would go round and nothing else would be done. Milliseconds.
 */
const PAUSE_MS = 1000

/**
 * Returns the address for an `EtcdChannel`, and the options that it needs for that. IP addresses are left to gRPC,
 * which does not support zones.
 */
export function targetOf(
  endpoint: string,
  host: string,
  lookups: Lookups,
): { readonly target: string; readonly options: ChannelOptions } {
  if (isIP(host) !== 0 && !host.includes('%')) return { target: endpoint, options: {} }
  experimental.registerResolver(SCHEME, LookupsResolver)
  return { target: `${SCHEME}:${endpoint}`, options: { [LOOKUPS]: lookups } }
}

class LookupsResolver implements experimental.Resolver {
  readonly #host: string
  readonly #port: number
  readonly #lookups: Lookups | null
  readonly #listener: Listener
  /** Counts what ends the lookups before it. */
  #round = 0
  #answeredAt = -Infinity
  #timer: NodeJS.Timeout | null = null

  constructor({ path }: Uri, listener: Listener, options: ChannelOptions) {
    const { host, port } = experimental.splitHostPort(path) ?? { host: path }
    this.#host = host
    this.#port = port ?? 2379
    this.#listener = listener
    const lookups: unknown = options[LOOKUPS]
    this.#lookups = isLookups(lookups) ? lookups : null
  }

  static getDefaultAuthority({ path }: Uri): string {
    // A zone is of this machine alone.
    return path.replace(/%[^\]]*/, '')
  }

  updateResolution(): void {
    if (this.#timer !== null) return
    const round = ++this.#round
    const waitMs = this.#answeredAt + PAUSE_MS - performance.now()
    if (waitMs <= 0) {
      void this.#resolve(round)
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#resolve(round)
    }, waitMs)
    // What waits for the answer has timers of its own.
    this.#timer.unref()
  }

  destroy(): void {
    this.#round += 1
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #resolve(round: number): Promise<void> {
    try {
      const addresses = (await this.#lookups?.addresses(this.#host)) ?? []
      const endpoints: readonly experimental.Endpoint[] = addresses.map((host) => ({
        addresses: [{ host, port: this.#port }],
      }))
      this.#answer(round, { ok: true, value: [...endpoints] })
    } catch (error) {
      const failed = { code: status.UNAVAILABLE, details: `Name resolution failed: ${explain(error)}` }
      this.#answer(round, { ok: false, error: { ...failed, metadata: new Metadata() } })
    }
  }

  #answer(round: number, result: Parameters<Listener>[0]): void {
    if (round !== this.#round) return
    this.#answeredAt = performance.now()
    this.#listener(result, {}, null, '')
  }
}

function isLookups(value: unknown): value is Lookups {
  return typeof value === 'object' && value !== null && 'addresses' in value
}
