import { TempDir } from '../../test/support/files/temp.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import { accepted } from './writes.ts'

/** A router with a `state_dir` that is killed and started again while etcd is down; failsafe mode keeps the primary. */
export const restarted: Case = {
  name: 'restarted',
  title: 'the router is killed and started again while etcd is down (`state_dir`)',
  figures: [
    { key: 'listens', label: 'start → listening', unit: 'ms' },
    { key: 'served', label: 'listening → first client served', unit: 'ms', target: { max: 1_000 } },
    { key: 'wrong', label: 'writes acknowledged by another member than the leader', unit: 'count', target: { max: 0 } },
    { key: 'failed', label: 'failed connections while it was listening', unit: 'count', target: { max: 0 } },
  ],
  waits: true,
  measure: onTestbed({ failsafe: true }, async (testbed, record, leader) => {
    await using stack = new AsyncDisposableStack()
    const state = stack.use(TempDir.create('state'))
    const router = stack.use(await RouterProcess.forCluster(testbed.cluster, { config: { state_dir: state.path } }))
    const writer = Writer.start({ port: router.primaryPort, everyMs: 20 })
    stack.defer(async () => {
      await writer.stop()
    })
    await until('writes are acknowledged', () => accepted(writer.attempts) > 20)
    await testbed.server.kill()
    try {
      await router.waitForLog('the loss', ({ event }) => event === 'dcs-lost')
      await router.stop({ signal: 'SIGKILL' })
      const killed = clock()
      await router.start()
      const listening = clock()
      record.add('listens', listening - killed)
      const first = await until('a client is served', () => {
        return writer.attempts.find(({ ok, at }) => ok && at > killed)
      })
      record.add('served', Math.max(0, first.doneAt - listening))
      const attempts = await writer.stop()
      record.add('wrong', attempts.filter(({ ok, server }) => ok && server !== leader.pgPort).length)
      // While it was not there its port refused them.
      const failed = attempts.filter(({ ok, at }) => !ok && (at < killed - 1000 || at > listening))
      record.add('failed', failed.length)
    } finally {
      await testbed.server.start()
    }
  }),
}
