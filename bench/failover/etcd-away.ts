import { setTimeout as sleep } from 'node:timers/promises'
import { clock, until } from '../../test/support/until.ts'
import type { Testbed } from './testbed.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import type { Recorder } from '../run.ts'
import { UNNOTICED, recordUnnoticed } from './outage.ts'

/** Killed: connections are refused. Frozen: they stay open and nothing answers. */
type How = 'killed' | 'frozen'

const RETRY_TIMEOUT_MS = 5_000

/** Both ways one after the other. A killed etcd also takes a second to come back, so it is started a bit sooner. */
export const etcdShort: Case = {
  name: 'etcd-short',
  title: 'etcd is down for 3 s (less than `retry_timeout`), killed and then frozen',
  figures: UNNOTICED,
  waits: true,
  measure: onTestbed({}, async (testbed, record) => {
    await recordUnnoticed(testbed, record, async () => {
      await interrupt(testbed, record, 'killed', 2_000)
      await leaderWrites(testbed)
      await interrupt(testbed, record, 'frozen', 3_000)
    })
    for (const [what, ms] of Object.entries(record.notes)) {
      if (what.startsWith('etcd') && Number(ms) >= RETRY_TIMEOUT_MS) throw new Error(`${what}: ${Number(ms)} ms`)
    }
  }),
}

/** Killed in one run and frozen in the next. */
export const etcdLong: Case = {
  name: 'etcd-long',
  title: 'etcd is down for 60 s in failsafe mode, killed and frozen in turn',
  figures: UNNOTICED,
  waits: true,
  measure: onTestbed({ failsafe: true }, async (testbed, record) => {
    const how = record.run % 2 === 1 ? 'killed' : 'frozen'
    await recordUnnoticed(testbed, record, async () => interrupt(testbed, record, how, 60_000))
  }),
}

/** Stops etcd for `ms`, and waits until the router reads it again. */
async function interrupt({ server, router }: Testbed, record: Recorder, how: How, ms: number): Promise<void> {
  const from = clock()
  const line = router.log.length
  if (how === 'killed') await server.kill()
  else server.freeze()
  try {
    await sleep(ms)
  } finally {
    if (how === 'killed') await server.start()
    else server.thaw()
  }
  await server.ready()
  record.note(`etcd ${how}, down for ms`, Math.round(clock() - from))
  await until('the router reads etcd again', () => {
    const lost = router.log.slice(line).findLastIndex(({ event }) => event === 'dcs-lost')
    return router.log.slice(line + Math.max(lost, 0)).some(({ event }) => event === 'dcs-up')
  })
}

/** Waits until Patroni has renewed its lock: the two absences are not to add up. */
async function leaderWrites({ cluster }: Testbed): Promise<void> {
  await cluster.waitHealthy()
  const key = `${cluster.prefix}status`
  const watch = await cluster.watch()
  try {
    await until('Patroni writes to etcd again', () => watch.find((event) => event.key === key))
  } finally {
    await watch.close()
  }
}
