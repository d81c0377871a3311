/** What the descriptors of those kinds have in common that query the members' own REST API. */
import type { DcsConfig } from '../../../config/config.ts'
import type { Fault } from '../../../config/file/problem.ts'
import type { Mapping } from '../../../text/unknown-shape.ts'
import { type DcsKind, deferred } from '../kind.ts'

/** The members' own REST API, as far as it can be discovered from these. */
export interface MembersConfig<N extends string = string> extends DcsConfig {
  readonly kind: N
  /** Scheme, host and port, without a path: `http://10.0.0.1:8008`. */
  readonly urls: readonly string[]
}

type MembersKind<N extends string> = Pick<
  DcsKind<MembersConfig<N>>,
  'name' | 'hasKeys' | 'identify' | 'checkProxy' | 'create' | 'checkOnline'
>

/** Returns this part of the descriptor of the kind `name`. */
export function memberReports<N extends string>(name: N): MembersKind<N> {
  return {
    name,
    hasKeys: false,
    // A member shows one cluster, whatever the namespace.
    identify: ({ urls }, { scope }) => [urls.toSorted(), scope],
    checkProxy: (proxy) => checkProxy(name, proxy),
    create({ urls }, { cluster, rest: restClient }) {
      const { scope } = cluster
      const { intervalMs, fastIntervalMs } = cluster.proxy.check
      return deferred({ kind: name, leaderFrom: 'members', absence: null }, async () => {
        const { RestDcs } = await import('./rest-dcs.ts')
        return new RestDcs({ config: { urls }, restClient, scope, intervalMs, fastIntervalMs })
      })
    },
    async checkOnline(config, context, signal) {
      const { checkSources } = await import('./online.ts')
      return checkSources(config.urls, context, this.create(config, context), signal)
    },
  }
}

/** Finds what needs a DCS: no lock can be read here, and Patroni's `GET /cluster` leaves out `proxy_url` (utils.py). */
function checkProxy(name: string, { trust, address }: Mapping): Fault[] {
  const faults: Fault[] = []
  const report = (key: string, message: string): void => void faults.push({ path: ['proxy', key], message })
  if (trust === 'dcs')
    report('trust', `dcs needs a DCS that can be read, and with ${name} only the members are: use proof`)
  if (address === 'proxy_url')
    report('address', `with ${name} only conn_url is known: Patroni's REST API does not show the proxy_url of a member`)
  return faults
}
