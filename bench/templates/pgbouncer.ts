import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { Pgbench } from '../../test/support/clients/pgbench.ts'
import { PASSWORD, PgBouncer } from '../../test/support/proxies/pgbouncer.ts'
import type { LogLine } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { type Case, percentile } from '../figures.ts'

const SWITCHOVERS = 20

/** examples/pgbouncer under the load of pgbench, whose connections stay from the first switchover to the last. */
export const pgbouncer: Case = {
  name: 'pgbouncer',
  title: 'pgbench through PgBouncer (transaction pooling, 10 clients, 200 transactions/s) in planned switchovers',
  async measure(runs, progress) {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const cluster = stack.use(await PatroniCluster.start({ etcd }))
    const bouncer = stack.use(await PgBouncer.start(etcd))
    const dir = bouncer.sidecar.mkdir('pgbench')
    const pgbench = await Pgbench.start({ port: bouncer.port, password: PASSWORD, dir })
    const served = async (port: number): Promise<boolean> => !bouncer.paused && (await bouncer.serverPort()) === port
    const count = runs ?? SWITCHOVERS
    const watch = await cluster.watch()
    const paused: number[] = []
    const resumed: number[] = []
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
      if (asked === undefined) throw new Error('nobody has asked for a switchover')
      paused.push(at.paused - asked.at)
      resumed.push(at.resumed - at.open)
      progress(`${done} of ${count}: ${old.name} to ${next.name}`)
    }
    await watch.close()
    const { transactions, failed, slowestMs, errors } = await pgbench.stop()
    for (const line of errors) progress(line)
    return [
      { label: 'switchovers', value: count, unit: 'count', must: null },
      { label: 'transactions', value: transactions, unit: 'count', must: null },
      { label: 'failed transactions', value: failed, unit: 'count', must: { max: 0 } },
      { label: 'slowest transaction', value: slowestMs, unit: 'ms', must: null },
      { label: 'paused after the `failover` key, median', value: percentile(paused, 0.5), unit: 'ms', must: null },
      { label: 'paused after the `failover` key, worst', value: Math.max(...paused), unit: 'ms', must: null },
      {
        label: 'resumed after the new primary was open, median',
        value: percentile(resumed, 0.5),
        unit: 'ms',
        must: null,
      },
      { label: 'resumed after the new primary was open, worst', value: Math.max(...resumed), unit: 'ms', must: null },
    ]
  },
}

type Times = { readonly paused: number; readonly open: number; readonly resumed: number }

/** When the router had paused PgBouncer, when `next` was open, and when PgBouncer was resumed. */
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
