import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import { createLoadTable } from '../../test/support/clients/load.ts'
import { until } from '../../test/support/until.ts'
import { groupsOf, TemplateBed } from './testbed.ts'
import type { Case } from '../figures.ts'

const DURATION_MS = 60_000
const HAPROXY = readFileSync(join(import.meta.dirname, '../../examples/haproxy/haproxy.cfg.hbs'), 'utf8')
const LAG = '{{#each members}}{{name}} {{#if lag}}{{lag}}{{else}}0{{/if}}\n{{/each}}'

/** A cluster that is written to, so that `xlog_location` moves in every loop; one replica does not replay what it gets. */
export const churn: Case = {
  name: 'churn',
  title: `${DURATION_MS / 1000} s of a real cluster's churn, three members, writes`,
  async measure(_runs, progress) {
    await using bed = await TemplateBed.start()
    const cluster = bed.use(await PatroniCluster.start({ etcd: bed.etcd }))
    const router = await bed.router({ haproxy: { text: HAPROXY }, lag: { text: LAG } })
    const leader = await cluster.waitHealthy()
    await createLoadTable(leader.pgPort)
    const names = ['haproxy', 'lag'] as const
    const count = async (): Promise<Record<(typeof names)[number], { renders: number; reloads: number }>> => {
      const groups = await groupsOf(router)
      const of = (name: string): { renders: number; reloads: number } => {
        const group = groups.get(bed.destination(name))
        return { renders: group?.templates[0]?.renders ?? NaN, reloads: group?.reload?.runs ?? NaN }
      }
      return { haproxy: of('haproxy'), lag: of('lag') }
    }
    await until('both files are in place', async () => {
      const groups = await groupsOf(router)
      return names.every((name) => groups.get(bed.destination(name))?.state === 'in-sync')
    })
    const watch = await cluster.watch()
    const before = await count()
    const [lagging] = await cluster.replicas()
    if (lagging === undefined) throw new Error('there is no replica')
    const writer = Writer.start({ port: leader.pgPort })
    await lagging.haltReplay()
    await sleep(DURATION_MS)
    await lagging.resumeReplay()
    await writer.stop()
    const after = await count()
    progress(`${watch.events.length} events in etcd`)
    const events = watch.events.length
    await watch.close()
    return [
      { label: 'events in etcd', value: events, unit: 'count', must: null },
      {
        label: 'renders of examples/haproxy',
        value: after.haproxy.renders - before.haproxy.renders,
        unit: 'count',
        must: { max: 0 },
      },
      { label: 'its reloads', value: after.haproxy.reloads - before.haproxy.reloads, unit: 'count', must: { max: 0 } },
      {
        label: 'renders of a template with `lag`',
        value: after.lag.renders - before.lag.renders,
        unit: 'count',
        must: { min: 1 },
      },
      { label: 'its reloads', value: after.lag.reloads - before.lag.reloads, unit: 'count', must: null },
    ]
  },
}
