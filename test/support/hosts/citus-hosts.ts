import { parse, stringify } from 'yaml'
import { Host } from './host.ts'
import type { Lan } from './lan.ts'
import { install } from './patroni-config.ts'
import { switchover } from '../patroni/switchover.ts'
import { until } from '../until.ts'

/** A member of a Citus cluster; names are those of their group only. */
export type CitusMember = { readonly group: number; readonly name: string; readonly host: Host }

const PLAN = [
  { group: 0, name: 'pg1' },
  { group: 0, name: 'pg2' },
  { group: 1, name: 'pg1' },
  { group: 1, name: 'pg2' },
  { group: 2, name: 'pg1' },
]
const WITH_ETCD = 3
const DATA = '/var/lib/postgresql/15/demo'
const EXTENSION = '/usr/share/postgresql/15/extension'
/** Debian has no Citus: this is what Patroni asks of it. A library has to be there, too; any does. */
const CITUS = `
CREATE TABLE public.pg_dist_node (nodeid serial, groupid int, nodename text, nodeport int, noderole text);
ALTER TABLE public.pg_dist_node SET SCHEMA pg_catalog;
CREATE FUNCTION pg_catalog.citus_add_node(text, int, int, text, text) RETURNS int LANGUAGE sql
  AS 'INSERT INTO pg_catalog.pg_dist_node (groupid, nodename, nodeport, noderole) VALUES ($3, $1, $2, $4) RETURNING nodeid';
CREATE FUNCTION pg_catalog.citus_update_node(int, text, int, bool, int) RETURNS void LANGUAGE sql
  AS 'UPDATE pg_catalog.pg_dist_node SET nodename = $2, nodeport = $3 WHERE nodeid = $1';
CREATE FUNCTION pg_catalog.citus_set_coordinator_host(text, int, text, text) RETURNS void LANGUAGE sql
  AS 'SELECT pg_catalog.citus_add_node($1, $2, 0, $3, $4)';
`

/**
 * A Citus cluster as Patroni runs it, on hosts of its own: the coordinator, group 0, at 10.0.0.1 and 10.0.0.2, group 1 at
 * 10.0.0.3 and 10.0.0.4, group 2 at 10.0.0.5, with etcd on the first three. Patroni and PostgreSQL are real, Citus is
 * played. The first of each group is its first leader. Gone with its LAN.
 */
export class CitusHosts {
  readonly lan: Lan
  readonly members: readonly CitusMember[]

  private constructor(lan: Lan, members: readonly CitusMember[]) {
    this.lan = lan
    this.members = members
  }

  /** Boots the hosts and waits until every group has its leader and its replicas. */
  static async start(lan: Lan): Promise<CitusHosts> {
    const members = await Promise.all(
      PLAN.map(async (member, index) => {
        const host = await Host.boot(lan, { name: `pg${index + 1}`, address: `10.0.0.${index + 1}/24` })
        return { ...member, host }
      }),
    )
    const cluster = new CitusHosts(lan, members)
    try {
      await cluster.#start()
    } catch (error) {
      const journals = await Promise.all(members.map(({ host }) => host.journal('patroni')))
      throw new Error(`no Citus: ${journals.map((text) => text.slice(-2_000)).join('\n---\n')}`, { cause: error })
    }
    return cluster
  }

  member(group: number, name: string): CitusMember {
    const found = this.members.find((member) => member.group === group && member.name === name)
    if (found === undefined) throw new Error(`no member ${name} of group ${group}`)
    return found
  }

  /** A planned switchover in one group; resolves when Patroni says that it is done. */
  async switchover(group: number, leader: string, candidate: string): Promise<void> {
    const { address } = this.member(group, leader).host
    const body = { leader, candidate }
    const post = () => this.lan.fetch(`http://${address}:8008/switchover`, { method: 'POST', body })
    const api = `http://${this.member(group, candidate).host.address}:8008/primary`
    const isNext = async () => (await this.lan.fetch(api)).status === 200
    const { status, text } = await switchover(post, () => until(`${candidate} leads`, isNext, { timeoutMs: 10_000 }))
    if (status !== 200) throw new Error(`switchover of group ${group}: ${status} ${text}`)
  }

  async #start(): Promise<void> {
    await Promise.all(this.members.slice(0, WITH_ETCD).map(({ host }) => install(host, {})))
    const [{ host }] = this.members as [CitusMember]
    const base = parse(await host.read('/etc/patroni/config.yml')) as Base
    await Promise.all(this.members.map((member) => configure(member, base)))
    // One after the other within a group, so that the first becomes its leader.
    for (const name of ['pg1', 'pg2']) {
      const started = this.members.filter((member) => member.name === name)
      await Promise.all(started.map((member) => member.host.ok('systemctl start patroni')))
      const state = name === 'pg1' ? 'primary' : 'replica'
      for (const {
        group,
        host: { address },
      } of started)
        await until(
          `${name} of group ${group} is a ${state}`,
          async () => (await this.lan.fetch(`http://${address}:8008/${state}`)).status === 200,
          { timeoutMs: 90_000, everyMs: 100 },
        )
    }
  }
}

type Base = {
  readonly restapi: object
  readonly postgresql: { readonly parameters: object }
}

/** Patroni with its `citus` section on a host, and what it takes for Citus. */
async function configure({ group, name, host }: CitusMember, base: Base): Promise<void> {
  const address = (port: number) => `${host.address}:${port}`
  const config = {
    ...base,
    name,
    citus: { group, database: 'app' },
    restapi: { listen: address(8008), connect_address: address(8008) },
    postgresql: {
      ...base.postgresql,
      connect_address: address(5432),
      parameters: { ...base.postgresql.parameters, 'demo.member': `group${group}-${name}` },
    },
  }
  await host.write('/etc/patroni/config.yml', stringify(config))
  await host.write(`${EXTENSION}/citus.control`, "default_version = '1'\n")
  await host.write(`${EXTENSION}/citus--1.sql`, CITUS)
  await host.ok(`
    cp /usr/lib/postgresql/15/lib/auto_explain.so /usr/lib/postgresql/15/lib/citus.so
    rm -rf ${DATA}
    install -d -o postgres -g postgres -m 700 ${DATA}
  `)
}
