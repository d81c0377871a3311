/** Which API servers there are: the one of the access, or with `bypass_api_service` each at its own address, in turns. */
import { setTimeout as sleep } from 'node:timers/promises'
import { hostPort } from '../../../address.ts'
import { explain, RouterError } from '../../../errors.ts'
import type { Log } from '../../../text/log-line.ts'
import { asNumber, asObject, asText, listOf, mappingOf, parseJson } from '../../../text/unknown-shape.ts'
import type { DcsNotice } from '../dcs.ts'
import { nextEndpoint } from '../endpoints.ts'
import type { SessionEndpoints } from '../sessions.ts'
import { type Access, type AccessSource, kubeconfigOf } from './access.ts'
import type { ApiConnection } from './api-connection.ts'
import type { ClusterConnection } from './connection.ts'
import { Forbidden } from './diagnosis.ts'
import type { KubernetesConfig } from './section.ts'

export type AddressConnection = Pick<ApiConnection, 'read' | 'close'>

export interface ApiServersOptions {
  readonly config: Pick<KubernetesConfig, 'bypassService' | 'service' | 'kubeconfig' | 'home'>
  readonly access: Pick<AccessSource, 'load' | 'current'>
  /** How often the addresses are read. Milliseconds. */
  readonly everyMs: number
  readonly log: Log | null
  /** Connects to the server of the access, for its addresses only. */
  readonly connect: () => AddressConnection
}

/** Where Kubernetes keeps the addresses of its API servers. */
const PLACE = { namespace: 'default', name: 'kubernetes' } as const

export class ApiServers implements SessionEndpoints<ClusterConnection> {
  readonly notices: readonly DcsNotice[] = []
  readonly #options: ApiServersOptions
  /** The one that the endpoints of now belong to. */
  #access: Access | null = null
  #addresses: readonly string[] = []
  #current: string | null = null
  #isForbidden = false
  /** Whether it is reported that there is no TLS. */
  #isWarned = false
  /** Ends the session of now. */
  #onMoved: ((error: RouterError) => void) | null = null

  /** Asks nothing yet. */
  constructor(options: ApiServersOptions) {
    this.#options = options
  }

  get name(): string {
    const { access, config } = this.#options
    const { service } = config
    if (this.#current !== null || access.current !== null) return this.#current ?? access.current?.endpoint ?? ''
    return service === null ? kubeconfigOf(config) : hostPort(service.host, service.port)
  }

  get size(): number {
    return Math.max(1, this.#addresses.length)
  }

  /** Rejects where there is no access, as `AccessSource.load` does. */
  async next(): Promise<string> {
    const access = this.#options.access.load()
    const { endpoint } = access
    // No login is for the servers of another cluster.
    if (this.#access !== null && this.#access.endpoint !== endpoint) [this.#addresses, this.#current] = [[], null]
    ;[this.#access, this.#onMoved] = [access, null]
    this.#warnWithoutTls(access)
    if (this.#isBypassing && this.#addresses.length === 0) await this.#ask()
    this.#current = nextEndpoint({ seeds: [endpoint], discovered: this.#addresses, current: this.#current })
    // Only what the Service leads to where nothing is known: its name is in the certificate.
    if (this.#addresses.length > 0 && !this.#addresses.includes(this.#current))
      this.#current = this.#addresses[0] ?? endpoint
    return this.#current
  }

  /**
   * Returns the access that the endpoint belongs to which `next` gave last. @throws RouterError where it has been
   * replaced, which ends the session: its endpoint, certificates and login belong together.
   */
  accessOfCurrent(): Access {
    const access = this.#options.access.load()
    if (access === this.#access) return access
    const error = new RouterError('DCS_UNAVAILABLE', `${kubeconfigOf(this.#options.config)} has been replaced`)
    this.#onMoved?.(error)
    throw error
  }

  /** Asks again where none of them serves: they may have been replaced. Never rejects. */
  async reconsider(endpoint: string): Promise<void> {
    if (this.#isBypassing && this.#addresses.at(-1) === endpoint) await this.#ask()
  }

  /** Reads the addresses again until the connection is closed. Never rejects. */
  async keep({ api }: ClusterConnection, onMoved: (error: RouterError) => void): Promise<void> {
    this.#onMoved = onMoved
    const isClosed = (): boolean => api.closed.aborted
    while (this.#isBypassing && !isClosed()) {
      await sleep(this.#options.everyMs, undefined, { signal: api.closed }).catch(() => undefined)
      if (!isClosed()) await this.#ask(api)
    }
  }

  get #isBypassing(): boolean {
    return this.#options.config.bypassService && !this.#isForbidden && this.#access?.protocol === 'https'
  }

  /** Reports once that there is no TLS: Patroni itself takes `https` for all addresses. */
  #warnWithoutTls({ protocol }: Access): void {
    const { config, log } = this.#options
    if (!config.bypassService || protocol === 'https') {
      this.#isWarned = false
      return
    }
    if (this.#isWarned) return
    this.#isWarned = true
    this.#addresses = []
    warnUnused(log, `the server in ${kubeconfigOf(config)} has no TLS, and their addresses are for HTTPS`)
  }

  /** Reads the addresses, with a connection of its own where none is open; a failure changes nothing. Never rejects. */
  async #ask(open: AddressConnection | null = null): Promise<void> {
    let own: AddressConnection | null = null
    try {
      const connection = open ?? (own = this.#options.connect())
      const text = await connection.read('endpoints', PLACE.namespace, PLACE.name)
      const addresses = text === null ? [] : addressesIn(text)
      if (addresses.length > 0) this.#addresses = addresses
    } catch (error) {
      // As in Patroni: without the right the Service is used, until the router is restarted.
      if (!(error instanceof Forbidden)) return
      this.#isForbidden = true
      this.#addresses = []
      warnUnused(this.#options.log, explain(error))
    } finally {
      own?.close()
    }
  }
}

function warnUnused(log: Log | null, error: string): void {
  log?.warn({ event: 'api-service-used', error }, `kubernetes.bypass_api_service is not used: ${error}`)
}

/** Returns `host:port` of the addresses in Endpoints `kubernetes`; those of the first port called `https` count. Pure. */
export function addressesIn(text: string): readonly string[] {
  for (const subset of listOf(asObject(parseJson(text))?.['subsets']).map(mappingOf)) {
    const port = listOf(subset['ports'])
      .map(mappingOf)
      .find(({ name, protocol }) => name === 'https' && (protocol ?? 'TCP') === 'TCP')
    const number = asNumber(port?.['port'])
    const hosts = listOf(subset['addresses']).flatMap((address) => asText(mappingOf(address)['ip']) ?? [])
    const addresses = hosts.filter((host) => /^[\dA-Fa-f.:]{2,45}$/.test(host))
    if (number !== null && number > 0 && number < 65_536 && addresses.length > 0)
      return addresses.map((host) => hostPort(host, number))
  }
  return []
}
