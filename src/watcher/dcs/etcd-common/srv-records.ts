/** Endpoints of etcd in the DNS, by the records that Patroni reads (patroni/dcs/etcd.py, `_get_machines_cache_from_srv`). */
import { hostPort } from '../../../address.ts'
import { explain, isWithoutRecords, RouterError } from '../../../errors.ts'
import { listOf, mappingOf, parseJson } from '../../../text/unknown-shape.ts'
import { endpointsOf } from '../endpoints.ts'
import type { Discovery } from './srv.ts'

/** Where the endpoints of an etcd are found. */
export interface Services {
  /** For people. */
  readonly name: string
  /** Finds them. Rejects with a RouterError where there are none, or nothing is known of them. */
  find(): Promise<Found>
}

export interface Found {
  readonly protocol: 'http' | 'https'
  /** `host:port`; at least one. */
  readonly endpoints: readonly string[]
}

export interface ServicesOptions {
  readonly srv: Discovery
  /** The name of the setting: `etcd.srv`. */
  readonly setting: string
  /** Reads SRV records; rejects as `dns.resolveSrv`. */
  readonly resolve: (name: string) => Promise<readonly { readonly name: string; readonly port: number }[]>
  /** Reads what `GET /members` of a peer port answers; null: nothing of use. Never rejects. */
  readonly members: (protocol: 'http' | 'https', endpoint: string) => Promise<string | null>
}

/** In the order in which Patroni reads them. Those of servers name peer ports, which tell the client URLs. */
const SERVICES = ['-client-ssl', '-client', '-ssl', '', '-server-ssl', '-server']

/** Returns what finds the endpoints of a domain. Nothing is looked up yet. */
export function srvServices({ srv: { domain, suffix }, setting, resolve, members }: ServicesOptions): Services {
  const behind = suffix === null ? '' : `-${suffix}`
  return {
    name: `the SRV records of ${domain}`,
    async find() {
      let failure: unknown = null
      for (const service of SERVICES) {
        const protocol = service.endsWith('-ssl') ? 'https' : 'http'
        const name = `_etcd${service}${behind}._tcp.${domain}`
        let hosts: readonly string[] = []
        try {
          hosts = (await resolve(name)).map((record) => hostPort(record.name, record.port))
        } catch (error) {
          // A name without records says no; a server that does not answer says nothing.
          if (!isWithoutRecords(error)) failure = error
        }
        const found = service.startsWith('-server') ? await clientsOf(protocol, hosts, members) : hosts
        if (found.length > 0) return { protocol, endpoints: [...new Set(found)].toSorted() }
      }
      const why =
        failure === null
          ? `there is none of _etcd-client${behind}._tcp, nor of another service of etcd: correct ${setting}`
          : `they cannot be looked up: ${explain(failure)}`
      throw new RouterError('DCS_UNAVAILABLE', why, { cause: failure })
    },
  }
}

/** Returns the client endpoints that the first of these peers names that answers. */
async function clientsOf(
  protocol: 'http' | 'https',
  peers: readonly string[],
  members: ServicesOptions['members'],
): Promise<readonly string[]> {
  for (const peer of peers) {
    const told = listOf(parseJson(await members(protocol, peer)))
    const urls = told.flatMap((member) =>
      listOf(mappingOf(member)['clientURLs']).filter((url) => typeof url === 'string'),
    )
    if (urls.length > 0) return endpointsOf(urls, protocol)
  }
  return []
}
