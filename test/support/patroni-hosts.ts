import { stringify } from 'yaml'
import { Host } from './host.ts'
import type { Lan } from './lan.ts'
import { POSTGRES_BIN } from './patroni-config.ts'
import { until } from './until.ts'

export type PatroniHostsOptions = {
  /** Seconds, as in Patroni. */
  readonly ttl?: number
  readonly loopWait?: number
}

type ClusterMember = { readonly name: string; readonly role: string; readonly state: string; readonly lag?: unknown }

const NUMBERS = [1, 2, 3]
const DATA = '/var/lib/postgresql/15/demo'
/** What a crash is must be the test's choice, not systemd's. */
const DROP_IN = '[Service]\nRestart=no\n'

/**
 * The cluster `demo` of the examples: the hosts pg1, pg2 and pg3 at 10.0.0.1, 10.0.0.2 and 10.0.0.3, each with etcd,
 * Patroni and PostgreSQL as Debian's packages have them. pg1 is the first leader. Gone with its LAN.
 */
export class PatroniHosts {
  readonly lan: Lan
  readonly hosts: readonly Host[]

  private constructor(lan: Lan, hosts: readonly Host[]) {
    this.lan = lan
    this.hosts = hosts
  }

  /** Boots the hosts and waits until the cluster is healthy: about ten seconds. */
  static async start(lan: Lan, options: PatroniHostsOptions = {}): Promise<PatroniHosts> {
    const boot = (n: number) => Host.boot(lan, { name: `pg${n}`, address: `10.0.0.${n}/24` })
    const cluster = new PatroniHosts(lan, await Promise.all(NUMBERS.map(boot)))
    try {
      await Promise.all(cluster.hosts.map((host) => install(host, options)))
      await cluster.host('pg1').ok('systemctl start patroni')
      await until('pg1 makes the cluster', async () => (await cluster.key('initialize')) !== null)
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

  /** A key of the cluster in etcd, such as `leader`; from any host that answers. */
  async key(name: string): Promise<string | null> {
    const command = `ETCDCTL_API=3 etcdctl get --print-value-only /service/demo/${name}`
    const value = await Promise.any(this.hosts.map((host) => host.ok(command, { timeoutMs: 6_000 })))
    return value === '' ? null : value.trim()
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

  /** Waits until the leader accepts writes and all others stream from it; the leader. */
  async waitHealthy({ timeoutMs = 60_000 } = {}): Promise<Host> {
    return until('the cluster is healthy', () => this.#healthy(), { timeoutMs, everyMs: 100 })
  }

  /** A planned switchover; resolves when Patroni says that it is done. The new leader. */
  async switchover(candidate?: string): Promise<Host> {
    const leader = await this.leader()
    const body = { leader: leader.name, ...(candidate === undefined ? {} : { candidate }) }
    const { status, text } = await this.lan.fetch(`http://${leader.address}:8008/switchover`, { method: 'POST', body })
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
    const script = `PGCONNECT_TIMEOUT=3 psql -X -h ${address} -p ${port} -U postgres -Atc "${text}"`
    return (await this.lan.ok(script, { timeoutMs })).trim()
  }

  async #healthy(): Promise<Host> {
    const leader = await this.leader()
    const { text } = await this.lan.fetch(`http://${leader.address}:8008/cluster`)
    const { members = [] } = JSON.parse(text) as { members?: readonly ClusterMember[] }
    const states = members.map(({ name, role, state, lag = '' }) => `${name} ${role} ${state} ${String(lag)}`)
    const followed = members.filter(({ role, state, lag }) => role === 'replica' && state === 'running' && lag === 0)
    if (followed.length !== this.hosts.length - 1) throw new Error(states.join(', '))
    const query = "SELECT pg_is_in_recovery(), count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    const seen = await this.sql(leader.address, query)
    if (seen !== `f|${followed.length}`) throw new Error(`${leader.name}: ${seen}; ${states.join(', ')}`)
    return leader
  }
}

async function install(host: Host, options: PatroniHostsOptions): Promise<void> {
  await host.write('/etc/default/etcd', etcdEnvironment(host))
  await host.write('/etc/patroni/config.yml', stringify(patroniConfig(host, options)))
  await host.write('/etc/systemd/system/patroni.service.d/test.conf', DROP_IN)
  await host.ok(`
    rm -rf /var/lib/etcd ${DATA}
    install -d -o etcd -g etcd -m 700 /var/lib/etcd
    install -d -o postgres -g postgres -m 700 ${DATA}
    systemctl daemon-reload
    systemctl start etcd
  `)
}

/** /etc/default/etcd */
function etcdEnvironment({ name, address }: Host): string {
  const members = NUMBERS.map((n) => `pg${n}=http://10.0.0.${n}:2380`)
  return [
    `ETCD_NAME=${name}`,
    `ETCD_INITIAL_CLUSTER=${members.join(',')}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=http://${address}:2380`,
    `ETCD_LISTEN_PEER_URLS=http://${address}:2380`,
    `ETCD_LISTEN_CLIENT_URLS=http://${address}:2379,http://127.0.0.1:2379`,
    `ETCD_ADVERTISE_CLIENT_URLS=http://${address}:2379`,
    'ETCD_LOG_LEVEL=warn\n',
  ].join('\n')
}

/** /etc/patroni/config.yml. Durability is given up for speed; everything else is what a DBA would have. */
function patroniConfig({ name, address }: Host, { ttl = 20, loopWait = 2 }: PatroniHostsOptions): object {
  return {
    scope: 'demo',
    name,
    restapi: { listen: `${address}:8008`, connect_address: `${address}:8008` },
    etcd3: { hosts: NUMBERS.map((n) => `10.0.0.${n}:2379`) },
    bootstrap: {
      dcs: {
        ...{ ttl, loop_wait: loopWait, retry_timeout: 5 },
        postgresql: { use_pg_rewind: true, use_slots: true, parameters: { wal_keep_size: '256MB' } },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'no-sync', 'no-instructions', { auth: 'trust' }],
    },
    postgresql: {
      listen: '*:5432',
      connect_address: `${address}:5432`,
      data_dir: DATA,
      bin_dir: POSTGRES_BIN,
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'replicator' } },
      pg_hba: ['local all all trust', 'host all all 0.0.0.0/0 trust', 'host replication all 0.0.0.0/0 trust'],
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      parameters: {
        unix_socket_directories: '/var/run/postgresql',
        fsync: 'off',
        shared_buffers: '32MB',
        min_wal_size: '32MB',
        max_wal_size: '256MB',
        wal_retrieve_retry_interval: '500ms',
        autovacuum_naptime: '5min',
      },
    },
  }
}
