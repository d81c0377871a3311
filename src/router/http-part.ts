/** HTTP as a part of the router: there where it is configured, and loaded only then. */
import type { Logger } from 'pino'
import type { HttpAddress } from '../admin/http/address.ts'
import type { HttpSources } from '../admin/http/context.ts'
import type { HttpServer } from '../admin/http/server.ts'
import type { HttpStatus } from '../admin/http/status.ts'
import type { EventLoopDelay } from '../admin/metrics/event-loop-delay.ts'
import type { MetricsOptions } from '../admin/metrics/exposition.ts'
import type { RouterStatus } from '../admin/status.ts'
import type { Bind, HttpConfig } from '../config/config.ts'
import { formatBind, overlap } from '../config/proxy/binds.ts'
import { explain } from '../errors.ts'
import type { Prepared } from '../part.ts'
import { type Change, preparePart } from './change.ts'
import type { HttpTls } from './http-files.ts'

export interface HttpPartDeps extends Pick<HttpSources, 'status' | 'acts' | 'history'> {
  readonly log: Logger
  /** Runs while HTTP is on: nothing else shows it. */
  readonly eventLoopDelay: EventLoopDelay
}

/** A server with what it has been given. */
interface Running {
  readonly server: HttpServer
  readonly tls: HttpTls | null
}

/** Addresses of which each is open, and why others are not. */
interface Opened {
  readonly open: readonly HttpAddress[]
  readonly fault: string | null
}

export class HttpPart {
  readonly #deps: HttpPartDeps
  #config: HttpConfig
  /** null: HTTP is off, or has not been started. */
  #running: Running | null = null
  /** Addresses that another part has had until now, or HTTP itself with or without TLS. */
  #isToOpen: readonly HttpAddress[] = []
  #fault: string | null = null

  /** Starts nothing. */
  constructor(config: HttpConfig, deps: HttpPartDeps) {
    this.#deps = deps
    this.#config = config
  }

  /** Listens; rejects with BIND_FAILED, or where the certificate cannot be used. A default address that is in use is a warning. */
  async start(): Promise<void> {
    const config = this.#config
    if (config.binds.length === 0) return
    const { readTls, currentTokens } = await import('./http-files.ts')
    const tls = readTls(config)
    const server = await this.#build()
    const addresses = config.binds.map((bind) => server.address(bind, tls?.pem ?? null))
    const { open, fault } = await this.#open(addresses, config.isDefault)
    this.#running = { server, tls }
    this.#deps.eventLoopDelay.start()
    this.#fault = fault
    server.admit((await currentTokens(config, this.#deps.log, 'no act is possible')).value, config)
    server.use(open)
  }

  /** Returns what HTTP says of itself; null: it is off. */
  status(): HttpStatus | null {
    return this.#running?.server.status(this.#fault) ?? null
  }

  /** Returns whether it may have an address. */
  listensOn(bind: Bind): boolean {
    return this.#config.binds.some((each) => overlap(each, bind))
  }

  /** Prepares other settings; `openAgain` has to follow. `isTaken`: a listener has an address, which it may leave. Never rejects. */
  async prepare(next: HttpConfig, isTaken: (bind: Bind) => boolean): Promise<Prepared> {
    const isOff = next.binds.length === 0
    return preparePart('http', this.#config, next, () => (isOff ? this.#end(next) : this.#prepare(next, isTaken)))
  }

  #end(next: HttpConfig): Change {
    const outcome = this.#running === null ? 'kept' : 'removed'
    const take = (): void => {
      const former = this.#running
      this.#config = next
      this.#running = null
      this.#deps.eventLoopDelay.stop()
      this.#fault = null
      void former?.server.close()
    }
    return { outcome, take }
  }

  async #prepare(next: HttpConfig, isTaken: (bind: Bind) => boolean): Promise<Change> {
    const present = this.#running
    const { readTls } = await import('./http-files.ts')
    const { readTokens } = await import('../admin/http/tokens.ts')
    const isSameTls = JSON.stringify(next.tls) === JSON.stringify(this.#config.tls)
    const tls = isSameTls && present !== null ? present.tls : readTls(next)
    // Those of the same file are read when the reload has ended, and are no reason to refuse it.
    const isSameFile = present !== null && next.tokenFile === this.#config.tokenFile
    const tokens = next.tokenFile === null || isSameFile ? null : await readTokens(next.tokenFile)
    const server = present?.server ?? (await this.#build())
    const { kept, added } = this.#compared(server, next, tls)
    const isOccupied = ({ bind }: HttpAddress): boolean =>
      isTaken(bind) || server.addresses.some((each) => overlap(each.bind, bind))
    const later = added.filter(isOccupied)
    const { open, fault } = await this.#open(
      added.filter((each) => !later.includes(each)),
      next.isDefault,
    )
    const giveUp = (): void => {
      for (const each of open) void each.close()
    }
    const take = (): void => {
      this.#config = next
      this.#running = { server, tls }
      this.#deps.eventLoopDelay.start()
      this.#fault = fault
      this.#isToOpen = later
      if (next.tokenFile === null) server.revoke()
      server.admit(tokens, next)
      if (tls !== null) for (const each of kept) each.renew(tls.pem)
      server.use(inOrderOf(next, [...kept, ...open]))
    }
    return { outcome: present === null ? 'added' : 'reconfigured', take, giveUp }
  }

  /** Returns the addresses that stay, and new ones for the others. */
  #compared(server: HttpServer, { binds }: HttpConfig, tls: HttpTls | null): Record<'kept' | 'added', HttpAddress[]> {
    const presentAt = (text: string): HttpAddress | undefined =>
      server.addresses.find(({ bind, isTls }) => formatBind(bind) === text && isTls === (tls !== null))
    const kept = binds.flatMap((bind) => presentAt(formatBind(bind)) ?? [])
    const missing = binds.filter((bind) => presentAt(formatBind(bind)) === undefined)
    return { kept, added: missing.map((bind) => server.address(bind, tls?.pem ?? null)) }
  }

  /** Opens addresses that could not be opened in advance; returns why one cannot be; null: all are open. Never rejects. */
  async openAgain(): Promise<string | null> {
    const [running, waiting] = [this.#running, this.#isToOpen]
    this.#isToOpen = []
    if (running === null || waiting.length === 0) return null
    const { server } = running
    await server.released()
    const { open, fault } = await this.#open(waiting, true)
    server.use(inOrderOf(this.#config, [...server.addresses, ...open]))
    this.#fault ??= fault
    return fault
  }

  /**
   * Reads the certificate and the tokens again, and opens addresses that could not be opened before. Returns what cannot be used: it
   * stays as it was, and is logged. Not while another configuration is prepared or taken. Never rejects.
   */
  async resync(): Promise<readonly string[]> {
    const [running, config] = [this.#running, this.#config]
    if (running === null) return []
    const { renewedTls, currentTokens } = await import('./http-files.ts')
    const { server } = running
    const tls = running.tls === null ? null : renewedTls(running.tls, this.#deps.log)
    this.#running = { server, tls: tls?.value ?? null }
    if (tls !== null) for (const each of server.addresses) each.renew(tls.value.pem)
    const tokens = await currentTokens(config, this.#deps.log, 'the former tokens stay in force')
    if (this.#config !== config) return []
    server.admit(tokens.value, config)
    return [tls?.trouble, tokens.trouble, await this.#openMissing()].filter((each) => typeof each === 'string')
  }

  /** Opens addresses that could not be opened before; returns why one cannot be; null: all are open. */
  async #openMissing(): Promise<string | null> {
    if (this.#running === null) return null
    const { server, tls } = this.#running
    const { added } = this.#compared(server, this.#config, tls)
    if (added.length === 0) return null
    const { open, fault } = await this.#open(added, true)
    server.use(inOrderOf(this.#config, [...server.addresses, ...open]))
    this.#fault = fault
    return fault
  }

  /** Closes everything. Idempotent. */
  async close(): Promise<void> {
    this.#isToOpen = []
    this.#deps.eventLoopDelay.stop()
    await this.#running?.server.close()
  }

  /** Opens all; rejects with BIND_FAILED, and none is open then. `isLenient`: what fails is a warning. */
  async #open(addresses: readonly HttpAddress[], isLenient: boolean): Promise<Opened> {
    const open: HttpAddress[] = []
    let fault: string | null = null
    for (const each of addresses)
      try {
        await each.start()
        open.push(each)
      } catch (error) {
        if (!isLenient) {
          for (const other of open) void other.close()
          throw error
        }
        fault = explain(error)
        const advice = 'no page, health checks and metrics there: set admin.bind'
        this.#deps.log.warn({ event: 'http-unavailable' }, `${fault}: ${advice}`)
      }
    return { open, fault }
  }

  async #build(): Promise<HttpServer> {
    const { HttpServer } = await import('../admin/http/server.ts')
    const { log, status, acts, history } = this.#deps
    const server = new HttpServer({ log, sources: { status, acts, history, ...(await shown()) } })
    await server.prepare()
    return server
  }
}

/** Returns the addresses in the order of the configuration, as a start opens them. */
function inOrderOf({ binds }: HttpConfig, addresses: readonly HttpAddress[]): readonly HttpAddress[] {
  const order = binds.map(formatBind)
  const placeOf = ({ bind }: HttpAddress): number => order.indexOf(formatBind(bind))
  return addresses.toSorted((one, other) => placeOf(one) - placeOf(other))
}

/** Returns what is shown besides. */
async function shown(): Promise<Pick<HttpSources, 'metrics' | 'statistics'>> {
  const [{ statCsvParts }, { statJsonParts }] = await Promise.all([
    import('../admin/haproxy/csv.ts'),
    import('../admin/haproxy/json.ts'),
  ])
  return { metrics: scraped, statistics: { csv: statCsvParts, json: statJsonParts } }
}

/** Renders the metrics. The modules for that are loaded with the first scrape. */
async function* scraped(status: RouterStatus, options: MetricsOptions): AsyncGenerator<string> {
  const { metricsText } = await import('../admin/metrics/exposition.ts')
  yield* metricsText(status, options)
}
