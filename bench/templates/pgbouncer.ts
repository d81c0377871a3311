import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { Pgbench } from '../../test/support/clients/pgbench.ts'
import { PASSWORD, PgBouncer } from '../../test/support/proxies/pgbouncer.ts'
import type { LogLine } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { type Case, medianAndWorst } from '../case.ts'
import { inOneRun } from '../run.ts'

const SWITCHOVERS = 20

/** examples/pgbouncer under the load of pgbench, whose connections stay from the first switchover to the last. */
export const pgbouncer: Case = {
  name: 'pgbouncer',
  title: 'pgbench through PgBouncer (transaction pooling, 10 clients, 200 transactions/s) in planned switchovers',
  figures: [
    { key: 'switchovers', label: 'switchovers', unit: 'count' },
    { key: 'transactions', label: 'transactions', unit: 'count' },
    { key: 'failed', label: 'failed transactions', unit: 'count', target: { max: 0 } },
    { key: 'slowest', label: 'slowest transaction', unit: 'ms' },
    ...medianAndWorst('paused', '`failover` key written → PgBouncer paused'),
    ...medianAndWorst('resumed', 'new primary open → PgBouncer resumed'),
  ],
  measure: inOneRun(async (record, repeats) => {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const cluster = stack.use(await PatroniCluster.start({ dcs: etcd }))
    const bouncer = stack.use(await PgBouncer.start(etcd))
    const dir = bouncer.sidecar.mkdir('pgbench')
    const pgbench = await Pgbench.start({ port: bouncer.port, password: PASSWORD, dir })
    const served = async (port: number): Promise<boolean> => !bouncer.paused && (await bouncer.serverPort()) === port
    const count = repeats ?? SWITCHOVERS
    const watch = await cluster.watch()
    for (let done = 1; done <= count; done++) {
      const old = await cluster.waitHealthy()
      await until('PgBouncer serves the leader', () => served(old.pgPort))
      const line = bouncer.sidecar.log.length
      const began = clock()
      const { status, text } = await cluster.switchover()
      if (status !== 200) throw new Error(`switchover: ${status} ${text}`)
      const next = await cluster.waitForLeader({ not: old })
      await until('PgBouncer serves the next leader', () => served(next.pgPort))
      const asked = watch.find(({ key, at }) => key === `${cluster.prefix}failover` && at >= began)
      const at = timesOf(bouncer.sidecar.log.slice(line), next.name)
      if (asked === undefined) throw new Error('no switchover was requested')
      record.add('paused', at.paused - asked.at)
      record.add('resumed', at.resumed - at.open)
      record.progress(`${done} of ${count}: ${old.name} to ${next.name}`)
    }
    await watch.close()
    const { transactions, failed, slowestMs, errors } = await pgbench.stop()
    for (const line of errors) record.progress(line)
    record.add('switchovers', count)
    record.add('transactions', transactions)
    record.add('failed', failed)
    record.add('slowest', slowestMs)
  }),
}

type Times = { readonly paused: number; readonly open: number; readonly resumed: number }

/** Returns when the router had paused PgBouncer, when `next` was open, and when PgBouncer was resumed. */
function timesOf(log: readonly LogLine[], next: string): Times {
  const when = (what: string, fits: (line: LogLine) => boolean): number => {
    const found = log.find(fits)
    if (found === undefined) throw new Error(`the router has not ${what}`)
    return found.time
  }
  const hook = (name: string, member: string | null) => (line: LogLine) =>
    line['event'] === 'hook-done' && line['hook'] === name && (member === null || line['member'] === member)
  return {
    paused: when('paused PgBouncer', hook('pause', null)),
    open: when('opened the next primary', ({ event, member }) => event === 'primary-open' && member === next),
    resumed: when('resumed PgBouncer', hook('resume', next)),
  }
}
