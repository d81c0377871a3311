import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { Child } from '../processes/child.ts'
import { POSTGRES_USER, memberConfig } from './config.ts'
import type { MemberAddress, PatroniSettings, Tags } from './config.ts'
import { freeze, killAllIn, processesIn, removeSharedMemory } from '../processes/signals.ts'
import type { Relay } from '../net/relay.ts'
import { RestClient } from './rest-client.ts'
import type { RestAnswer } from './rest-client.ts'
import { sql } from '../clients/sql.ts'
import type { Row } from '../clients/sql.ts'
import { systemUser } from '../processes/user.ts'
import { until } from '../until.ts'

/** What `GET /patroni` of a member says, as far as the tests look at it. */
export type MemberStatus = {
  readonly state: string
  readonly role: string
  readonly timeline?: number
  readonly xlog?: Readonly<Record<string, unknown>>
  readonly pause?: boolean
}

export type { RestAnswer }

/** One Patroni with its PostgreSQL. */
export class PatroniMember {
  readonly name: string
  readonly dir: string
  readonly pgPort: number
  /** The port of `api_url`: with relays that of the relay. */
  readonly restPort: number
  readonly configFile: string
  /** What it gets of the DCS by its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly #settings: PatroniSettings
  readonly #address: MemberAddress
  readonly #rest: RestClient
  readonly #relays: { readonly rest: Relay | null; readonly dcs: readonly Relay[] }
  #child: Child | null = null

  constructor(
    settings: PatroniSettings,
    address: MemberAddress,
    relays: { readonly rest: Relay | null; readonly dcs: readonly Relay[] },
  ) {
    this.name = address.name
    this.dir = address.dir
    this.pgPort = address.pgPort
    this.restPort = address.restPort
    this.env = address.env
    this.#settings = settings
    this.#address = address
    this.#rest = new RestClient(address.restListenPort, settings.restTls, settings.restLogin)
    this.#relays = relays
    this.configFile = join(address.dir, 'patroni.yml')
    this.#configure(settings.tags[this.name] ?? {})
  }

  /** The process of Patroni itself. */
  get patroni(): Child {
    if (this.#child === null) throw new Error(`${this.name} was never started`)
    return this.#child
  }

  get running(): boolean {
    return this.#child?.running === true
  }

  /** The end of what Patroni and PostgreSQL have logged. */
  logTail(): string {
    return this.#child?.log().slice(-2_500) ?? 'never started'
  }

  /** Waits until Patroni has ended a cycle of its loop in which all was as it should be: the next one begins `loop_wait` later. */
  async cycled(): Promise<void> {
    const from = this.patroni.log().length
    await until(`${this.name} has ended a cycle`, () => this.patroni.log().slice(from).includes('no action. I am ('))
  }

  /** Starts Patroni; see PatroniCluster.waitHealthy for when it is ready. */
  async start(): Promise<void> {
    if (this.running) return
    const logFile = join(this.dir, 'patroni.log')
    const options = { cwd: this.dir, user: POSTGRES_USER, logFile, env: this.env }
    this.#child = await Child.start('patroni', [this.configFile], options)
  }

  /** As a machine that loses power: SIGKILL for Patroni and all of PostgreSQL. */
  async crash(): Promise<void> {
    this.#child?.signal('SIGKILL')
    await killAllIn(this.dir)
    await this.#child?.exited
    removeSharedMemory(join(this.dir, 'data'))
  }

  /** As a crash of PostgreSQL alone, that Patroni survives. */
  async crashPostgres(): Promise<void> {
    for (const pid of processesIn(join(this.dir, 'data'))) process.kill(pid, 'SIGKILL')
    await killAllIn(join(this.dir, 'data'))
  }

  /** SIGSTOP for Patroni only: PostgreSQL goes on, nobody renews the leader key. */
  freeze(): void {
    this.patroni.freeze()
  }

  thaw(): void {
    this.patroni.thaw()
  }

  /**
   * Promotes Postgres without Patroni, between two cycles: one that sees the promotion half done, with `standby.signal` gone and
   * the recovery not yet over, restarts Postgres also in a pause (`Ha.follow`).
   */
  async promoteByHand(): Promise<void> {
    await this.cycled()
    this.freeze()
    try {
      await this.sql('SELECT pg_promote()')
    } finally {
      this.thaw()
    }
  }

  /** Lets a replica receive WAL and replay none of it. pg_wal_replay_pause() would not last: Patroni resumes replay. */
  async haltReplay(): Promise<void> {
    freeze(await this.#startupProcess())
  }

  async resumeReplay(): Promise<void> {
    process.kill(await this.#startupProcess(), 'SIGCONT')
  }

  async #startupProcess(): Promise<number> {
    const [row] = await this.sql(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`)
    const pid = row?.['pid']
    if (typeof pid !== 'number') throw new Error(`${this.name} replays nothing`)
    return pid
  }

  /** `systemctl stop patroni`: SIGTERM, which stops PostgreSQL in order. Resolves when Patroni has exited. */
  async terminate(): Promise<void> {
    await this.patroni.stop({ timeoutMs: 60_000 })
  }

  /** Partitions this member from all of the DCS (a cluster with relays). */
  cutFromDcs(): void {
    if (this.#relays.dcs.length === 0) throw new Error('the cluster was started without relays')
    for (const relay of this.#relays.dcs) relay.hang()
  }

  reconnectToDcs(): void {
    for (const relay of this.#relays.dcs) relay.resume()
  }

  /** Lets the REST API accept connections and answer nothing (a cluster with relays). Patroni itself is fine. */
  hangRest(): void {
    if (this.#relays.rest === null) throw new Error('the cluster was started without relays')
    this.#relays.rest.hang()
  }

  resumeRest(): void {
    this.#relays.rest?.resume()
  }

  async sql(text: string, options: { timeoutMs?: number } = {}): Promise<Row[]> {
    return sql(this.pgPort, text, options)
  }

  /** Whether PostgreSQL accepts writes right now. */
  async writable(): Promise<boolean> {
    const [row] = await this.sql('SELECT pg_is_in_recovery() AS recovering', { timeoutMs: 2_000 })
    return row?.['recovering'] === false
  }

  async status(): Promise<MemberStatus> {
    return JSON.parse((await this.rest('GET', '/patroni', undefined, 2_000)).text) as MemberStatus
  }

  /** A request to the REST API itself, past its relay. */
  async rest(method: string, path: string, body?: unknown, timeoutMs = 60_000): Promise<RestAnswer> {
    return this.#rest.request(method, path, body, timeoutMs)
  }

  /** Gives it other tags instead of those it has. Patroni takes them up, and tells the DCS, within its next loop. */
  async retag(tags: Tags): Promise<void> {
    this.#configure(tags)
    const { status, text } = await this.rest('POST', '/reload', {})
    if (status !== 202) throw new Error(`POST /reload: ${status} ${text}`)
  }

  /** Restarts its PostgreSQL, as `patronictl restart` does; resolves when it has. */
  async restartPostgres(): Promise<RestAnswer> {
    return this.rest('POST', '/restart', {})
  }

  #configure(tags: Tags): void {
    writeFileSync(this.configFile, stringify(memberConfig(this.#settings, this.#address, tags)), { mode: 0o644 })
    const owner = systemUser(POSTGRES_USER)
    if (owner !== null) chownSync(this.configFile, owner.uid, owner.gid)
  }
}
