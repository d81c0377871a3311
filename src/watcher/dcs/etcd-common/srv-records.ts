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
  /** Finds them. Rejects with `NoRecords` where there are none, else with a RouterError where nothing is known of them. */
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

/** The DNS says that there are none, or what they name is none. */
export class NoRecords extends RouterError {}

/** In the order in which Patroni reads them. Those of servers name peer ports, which tell the client URLs. */
const SERVICES = ['-client-ssl', '-client', '-ssl', '', '-server-ssl', '-server']

/** Returns what finds the endpoints of a domain. Nothing is looked up yet. */
export function srvServices({ srv: { domain, suffix }, setting, resolve, members }: ServicesOptions): Services {
  const behind = suffix === null ? '' : `-${suffix}`
  let last: Found | null = null
  const lookUp = async (service: string): Promise<Answer> => {
    try {
      const records = await resolve(`_etcd${service}${behind}._tcp.${domain}`)
      // A record that names the root says that there is no such service (RFC 2782).
      const hosts = records.filter(({ name }) => name !== '').map(({ name, port }) => hostPort(name, port))
      return { hosts, failure: null }
    } catch (error) {
      // A name without records says no; a server that does not answer says nothing.
      return { hosts: [], failure: isWithoutRecords(error) ? null : error }
    }
  }
  return {
    name: `the SRV records of ${domain}`,
    async find() {
      let failure: unknown = null
      // All at once: a server that does not answer is waited for only once.
      const answers = SERVICES.map((service) => ({ service, answer: lookUp(service) }))
      for (const { service, answer } of answers) {
        const { hosts, failure: why } = await answer
        failure ??= why
        // As in Patroni the whole name counts, with its suffix.
        const protocol = `${service}${behind}`.includes('-ssl') ? 'https' : 'http'
        const endpoints = [...new Set(hosts)].toSorted()
        const found: Found | null = !service.startsWith('-server')
          ? { protocol, endpoints }
          : await clientsOf(protocol, endpoints, members)
        if (found === null || found.endpoints.length === 0) continue
        // Records that come before these, of TLS perhaps, may be there as they were.
        if (failure === null || last === null) last = found
        return last
      }
      if (failure === null)
        throw new NoRecords(
          'DCS_UNAVAILABLE',
          `there is none of _etcd-client${behind}._tcp, nor of another service of etcd: correct ${setting}`,
        )
      throw new RouterError('DCS_UNAVAILABLE', `they cannot be looked up: ${explain(failure)}`, { cause: failure })
    },
  }
}

interface Answer {
  readonly hosts: readonly string[]
  /** Why nothing is known; null: the DNS has answered. */
  readonly failure: unknown
}

/** Returns the client endpoints that the first of these peers names that answers; their URLs say whether they use TLS. */
async function clientsOf(
  protocol: 'http' | 'https',
  peers: readonly string[],
  members: ServicesOptions['members'],
): Promise<Found | null> {
  for (const peer of peers) {
    const told = listOf(parseJson(await members(protocol, peer)))
    const urls = told.flatMap((member) =>
      listOf(mappingOf(member)['clientURLs']).filter((url) => typeof url === 'string'),
    )
    for (const one of [protocol, protocol === 'http' ? 'https' : 'http'] as const) {
      const endpoints = [...new Set(endpointsOf(urls, one))].toSorted()
      if (endpoints.length > 0) return { protocol: one, endpoints }
    }
  }
  return null
}
