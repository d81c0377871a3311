import { setTimeout as sleep } from 'node:timers/promises'
import { RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import { accepted } from './writes.ts'

const AWAY_MS = 10_000

/** A router without a state, started while etcd is down; failsafe mode keeps the primary a primary meanwhile. */
export const startedFirst: Case = {
  name: 'started-first',
  title: 'the router is started while etcd is down',
  figures: [
    { key: 'listens', label: 'start → listening', unit: 'ms' },
    { key: 'early', label: 'clients answered before etcd is back', unit: 'count', target: { max: 0 } },
    { key: 'served', label: 'etcd back → first client served', unit: 'ms', target: { max: 2_000 } },
    { key: 'failed', label: 'failed connections', unit: 'count', target: { max: 0 } },
  ],
  waits: true,
  measure: onTestbed({ failsafe: true }, async (testbed, record) => {
    await using stack = new AsyncDisposableStack()
    const { server } = testbed.etcd
    let back = Infinity
    await server.kill()
    try {
      const from = clock()
      const router = stack.use(await RouterProcess.forCluster(testbed.cluster))
      record.add('listens', clock() - from)
      const writer = Writer.start({ port: router.primaryPort, everyMs: 100 })
      stack.defer(async () => {
        await writer.stop()
      })
      await sleep(AWAY_MS)
      record.add('early', writer.attempts.length)
      await server.launch()
      await until('etcd is healthy', () => server.client.healthy(), { everyMs: 5 })
      back = clock()
      await until('a client is served', () => accepted(writer.attempts) > 0)
      const attempts = await writer.stop()
      record.add('served', Math.min(...attempts.filter(({ ok }) => ok).map(({ doneAt }) => doneAt)) - back)
      record.add('failed', attempts.filter(({ ok }) => !ok).length)
      record.note('held clients', attempts.filter(({ at }) => at < back).length)
      record.note(
        'its log',
        router.log.map(({ event, msg }) => `${String(event)}: ${msg}`),
      )
    } finally {
      if (back === Infinity) await server.start()
    }
  }),
}
