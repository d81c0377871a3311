/** Names of etcd endpoints: looked up with all others of the process, not on the two threads that Node's lookups share. */
import { isIP } from 'node:net'
import { explain } from '../../errors.ts'
import type { Lookups } from '../../names/lookups.ts'
import { type ChannelOptions, experimental, Metadata, status } from './etcd3.ts'

type Listener = experimental.ResolverListener
type Uri = experimental.GrpcUri

const SCHEME = 'patroni-router'
const LOOKUPS = 'patroni-router.lookups'

/** What an `EtcdChannel` dials, and the options that it needs for that. IP addresses are left to gRPC. */
export function targetOf(
  endpoint: string,
  host: string,
  lookups: Lookups,
): { readonly target: string; readonly options: ChannelOptions } {
  if (isIP(host) !== 0) return { target: endpoint, options: {} }
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

  constructor({ path }: Uri, listener: Listener, options: ChannelOptions) {
    const { host, port } = experimental.splitHostPort(path) ?? { host: path }
    this.#host = host
    this.#port = port ?? 2379
    this.#listener = listener
    const lookups: unknown = options[LOOKUPS]
    this.#lookups = isLookups(lookups) ? lookups : null
  }

  static getDefaultAuthority({ path }: Uri): string {
    return path
  }

  updateResolution(): void {
    void this.#resolve(++this.#round)
  }

  destroy(): void {
    this.#round += 1
  }

  async #resolve(round: number): Promise<void> {
    try {
      const addresses = (await this.#lookups?.addresses(this.#host)) ?? []
      const endpoints: readonly experimental.Endpoint[] = addresses.map((host) => ({
        addresses: [{ host, port: this.#port }],
      }))
      if (round === this.#round) this.#listener({ ok: true, value: [...endpoints] }, {}, null, '')
    } catch (error) {
      const failed = { code: status.UNAVAILABLE, details: `Name resolution failed: ${explain(error)}` }
      const none = { ok: false, error: { ...failed, metadata: new Metadata() } } as const
      if (round === this.#round) this.#listener(none, {}, null, '')
    }
  }
}

function isLookups(value: unknown): value is Lookups {
  return typeof value === 'object' && value !== null && 'addresses' in value
}
