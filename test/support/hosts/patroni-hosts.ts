import { Host } from './host.ts'
import type { Lan } from './lan.ts'
import { ETCD, type HostsDcs, type PatroniHostsOptions, install } from './patroni-config.ts'
import { POSTGRES_BIN } from '../patroni/config.ts'
import { switchover } from '../patroni/switchover.ts'
import { until } from '../until.ts'

type ClusterMember = {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly timeline?: number
}

/** How long a replica may need to follow by itself. */
const PATIENCE_MS = 12_000

/**
 * The cluster `demo` of the examples: the hosts pg1, pg2 and pg3 at 10.0.0.1, 10.0.0.2 and 10.0.0.3, each with etcd,
 * Patroni and PostgreSQL as Debian's packages have them. pg1 is the first leader. With another DCS than etcd the members
 * are those that it names. Gone with its LAN.
 */
export class PatroniHosts {
  readonly lan: Lan
  readonly hosts: readonly Host[]
  readonly #dcs: HostsDcs

  private constructor(lan: Lan, hosts: readonly Host[], dcs: HostsDcs) {
    this.lan = lan
    this.hosts = hosts
    this.#dcs = dcs
  }

  /** Boots the hosts and waits until the cluster is healthy: about ten seconds. */
  static async start(lan: Lan, options: PatroniHostsOptions = {}): Promise<PatroniHosts> {
    const { dcs = ETCD } = options
    const boot = (name: string, index: number) => Host.boot(lan, { name, address: `10.0.0.${index + 1}/24` })
    const cluster = new PatroniHosts(lan, await Promise.all(dcs.members.map(boot)), dcs)
    const [first = ''] = dcs.members
    try {
      await Promise.all(cluster.hosts.map((host) => install(host, options)))
      await cluster.host(first).ok('systemctl start patroni')
      await until(`${first} makes the cluster`, async () => (await cluster.key('initialize')) !== null)
      await Promise.all(cluster.hosts.map((host) => host.ok('systemctl start patroni')))
      await cluster.waitHealthy()
    } catch (error) {
      const journals = await Promise.all(cluster.hosts.map((host) => host.journal('etcd', 'patroni')))
      throw new Error(`no cluster on hosts: ${journals.map((text) => text.slice(-3_000)).join('\n---\n')}`, {
        cause: error,
      })
    }
    return cluster
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.name === name)
    if (found === undefined) throw new Error(`no host ${name}`)
    return found
  }

  /** A key of the cluster in the DCS, such as `leader`; from any host that answers. */
  async key(name: string): Promise<string | null> {
    return this.#dcs.key(this.lan, this.hosts, name)
  }

  /** The host of whom the leader key names. @throws when there is none. */
  async leader(): Promise<Host> {
    const name = await this.key('leader')
    if (name === null) throw new Error('there is no leader key')
    return this.host(name)
  }

  /** The hosts of the others. */
  async replicas(): Promise<Host[]> {
    const leader = await this.leader()
    return this.hosts.filter((host) => host !== leader)
  }

  /**
   * Waits until the leader accepts writes and all others stream from it; the leader. A replica that cannot follow by
   * itself is cloned anew, as in the harness without hosts (see Health).
   */
  async waitHealthy({ timeoutMs = 60_000 } = {}): Promise<Host> {
    let helpAt = performance.now() + PATIENCE_MS
    const check = async () => {
      const { leader, ailing } = await this.#examine()
      if (ailing.length === 0) return leader
      if (performance.now() > helpAt) {
        helpAt += PATIENCE_MS
        const clone = { method: 'POST', body: { force: true } }
        for (const { address } of ailing) await this.lan.fetch(`http://${address}:8008/reinitialize`, clone)
      }
      throw new Error(`${ailing.map(({ name }) => name).join(', ')} do not follow ${leader.name}`)
    }
    return until('the cluster is healthy', check, { timeoutMs, everyMs: 100 })
  }

  /** A planned switchover; resolves when Patroni says that it is done. The new leader. */
  async switchover(candidate?: string): Promise<Host> {
    const leader = await this.leader()
    const body = { leader: leader.name, ...(candidate === undefined ? {} : { candidate }) }
    const post = () => this.lan.fetch(`http://${leader.address}:8008/switchover`, { method: 'POST', body })
    const isNext = async () => (await this.leader()) !== leader
    const { status, text } = await switchover(post, () => until('another host leads', isNext, { timeoutMs: 10_000 }))
    if (status !== 200) throw new Error(`switchover from ${leader.name}: ${status} ${text}`)
    return this.leader()
  }

  /** Kills Patroni and PostgreSQL of a host at once; {@link start} brings them back. */
  async crash(host: Host): Promise<void> {
    await host.ok('systemctl kill --kill-whom=all --signal=KILL patroni')
  }

  /** Starts Patroni on a host where it has ended. */
  async restart(host: Host): Promise<void> {
    await host.ok('systemctl start patroni')
  }

  /** Runs one statement at an address, as the superuser; its output as `psql -At` prints it. @throws when it fails. */
  async sql(address: string, text: string, { port = 5432, timeoutMs = 5_000 } = {}): Promise<string> {
    // Debian's psql is a script in Perl that starts this one.
    const script = `PGCONNECT_TIMEOUT=3 ${POSTGRES_BIN}/psql -X -h ${address} -p ${port} -U postgres -Atc "${text}"`
    return (await this.lan.ok(script, { timeoutMs })).trim()
  }

  /** The leader, and who does not follow it. @throws when it is none. */
  async #examine(): Promise<{ readonly leader: Host; readonly ailing: readonly Host[] }> {
    const leader = await this.leader()
    if ((await this.sql(leader.address, 'SELECT pg_is_in_recovery()')) !== 'f') throw new Error(`${leader.name} waits`)
    const query = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
    const streaming = (await this.sql(leader.address, query)).split('\n')
    const { text } = await this.lan.fetch(`http://${leader.address}:8008/cluster`)
    const { members = [] } = JSON.parse(text) as { members?: readonly ClusterMember[] }
    const timeline = members.find(({ role }) => role === 'leader')?.timeline
    const follows = ({ name, state, ...member }: ClusterMember) => {
      return state === 'running' && member.timeline === timeline && (name === leader.name || streaming.includes(name))
    }
    const well = members.filter(follows).map(({ name }) => name)
    return { leader, ailing: this.hosts.filter(({ name }) => !well.includes(name)) }
  }
}
