import { join } from 'node:path'
import type { AddressWatch } from './address-watch.ts'
import type { Child } from '../processes/child.ts'
import type { Host } from './host.ts'
import type { PatroniHosts } from './patroni-hosts.ts'
import { until } from '../until.ts'

const MAIN = join(import.meta.dirname, 'vip-probe-main.ts')

/** What the probe in the LAN is to do. */
export type ProbeTask = {
  /** Names and addresses. */
  readonly members: readonly (readonly [name: string, address: string])[]
  readonly address: string
  readonly port: number
  readonly everyMs: number
  /** Of a connection, and of a statement. */
  readonly timeoutMs: number
}

/** What a member's PostgreSQL has said of itself, asked and answered in milliseconds since the epoch. */
export type RoleAnswer = {
  readonly kind: 'role'
  readonly member: string
  readonly asked: number
  readonly at: number
  readonly primary: boolean
}

/** How a client fared that came to the address. */
export type ClientAnswer = {
  readonly kind: 'client'
  readonly asked: number
  readonly at: number
  /** SQLSTATE or errno; null: it was served. */
  readonly error: string | null
  readonly member: string | null
  readonly primary: boolean
}

/** Asks all members for their role and comes as a client to an address, all the time, from 10.0.0.254. */
export class VipProbe {
  readonly roles: readonly RoleAnswer[]
  readonly clients: readonly ClientAnswer[]
  readonly #child: Child

  private constructor(child: Child, roles: readonly RoleAnswer[], clients: readonly ClientAnswer[]) {
    this.#child = child
    this.roles = roles
    this.clients = clients
  }

  static async start(cluster: PatroniHosts, options: Partial<ProbeTask> = {}): Promise<VipProbe> {
    const members = cluster.hosts.map(({ name, address }: Host) => [name, address] as const)
    const defaults = { address: '10.0.0.100', port: 5432, everyMs: 50, timeoutMs: 1_000 }
    const task: ProbeTask = { members, ...defaults, ...options }
    const roles: RoleAnswer[] = []
    const clients: ClientAnswer[] = []
    const script = `exec '${process.execPath}' '${MAIN}' '${JSON.stringify(task)}'`
    const child = await cluster.lan.start(`probe-${task.address}-${task.port}`, script, (line) => {
      const answer = JSON.parse(line) as RoleAnswer | ClientAnswer
      if (answer.kind === 'role') roles.push(answer)
      else clients.push(answer)
    })
    return new VipProbe(child, roles, clients)
  }

  /** Waits for a client that came at or after `since` and was served by the member as primary. */
  async served(member: string, since: number, { timeoutMs = 10_000 } = {}): Promise<ClientAnswer> {
    const fits = (answer: ClientAnswer) => answer.asked >= since && answer.member === member && answer.primary
    return until(`a client is served by ${member}`, () => this.clients.find(fits), { timeoutMs, everyMs: 5 })
  }

  /** The answers "not primary" of members whose host had the address all the time from question to answer. */
  wrong(watch: AddressWatch): RoleAnswer[] {
    const holdings = watch.holdings()
    return this.roles.filter(({ primary, member, asked, at }) => {
      return !primary && holdings.some(({ host, from, to }) => host === member && from <= asked && at <= to)
    })
  }

  async stop(): Promise<void> {
    await this.#child.stop({ signal: 'SIGKILL' })
  }
}
