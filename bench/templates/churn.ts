import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import { createLoadTable } from '../../test/support/clients/load.ts'
import { until } from '../../test/support/until.ts'
import { groupsOf, TemplateTestbed } from './testbed.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'

const DURATION_MS = 60_000
const HAPROXY = readFileSync(join(import.meta.dirname, '../../examples/haproxy/haproxy.cfg.hbs'), 'utf8')
const LAG = '{{#each members}}{{name}} {{#if lag}}{{lag}}{{else}}0{{/if}}\n{{/each}}'

/** A cluster that is written to, so that `xlog_location` moves in every loop; one replica does not replay what it gets. */
export const churn: Case = {
  name: 'churn',
  title: `three members of a real cluster under writes for ${DURATION_MS / 1000} s`,
  figures: [
    { key: 'events', label: 'events in etcd', unit: 'count' },
    { key: 'haproxy-renders', label: 'renders of examples/haproxy', unit: 'count', target: { max: 0 } },
    { key: 'haproxy-reloads', label: 'its reloads', unit: 'count', target: { max: 0 } },
    { key: 'lag-renders', label: 'renders of a template with `lag`', unit: 'count', target: { min: 1 } },
    { key: 'lag-reloads', label: 'its reloads', unit: 'count' },
  ],
  measure: inOneRun(async (record) => {
    await using testbed = await TemplateTestbed.start()
    const cluster = testbed.use(await PatroniCluster.start({ dcs: testbed.etcd }))
    const router = await testbed.router({ haproxy: { text: HAPROXY }, lag: { text: LAG } })
    const leader = await cluster.waitHealthy()
    await createLoadTable(leader.pgPort)
    const names = ['haproxy', 'lag'] as const
    const count = async (): Promise<Record<(typeof names)[number], { renders: number; reloads: number }>> => {
      const groups = await groupsOf(router)
      const of = (name: string): { renders: number; reloads: number } => {
        const group = groups.get(testbed.destination(name))
        return { renders: group?.templates[0]?.renders ?? NaN, reloads: group?.reload?.runs ?? NaN }
      }
      return { haproxy: of('haproxy'), lag: of('lag') }
    }
    await until('both files are in place', async () => {
      const groups = await groupsOf(router)
      return names.every((name) => groups.get(testbed.destination(name))?.state === 'in-sync')
    })
    const watch = await cluster.watch()
    const before = await count()
    const [lagging] = await cluster.replicas()
    if (lagging === undefined) throw new Error('there is no replica')
    const writer = Writer.start({ port: leader.pgPort, everyMs: 20 })
    await lagging.haltReplay()
    await sleep(DURATION_MS)
    await lagging.resumeReplay()
    await writer.stop()
    const after = await count()
    record.add('events', watch.events.length)
    await watch.close()
    for (const name of names) {
      record.add(`${name}-renders`, after[name].renders - before[name].renders)
      record.add(`${name}-reloads`, after[name].reloads - before[name].reloads)
    }
  }),
}
