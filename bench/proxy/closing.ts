import { clock } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'
import { requireDescriptors } from './descriptors.ts'
import { FakeCluster } from './fake-cluster.ts'
import { ManyClients } from './many-clients.ts'
import { ROUNDS, startHaproxy, startRouter } from './sides.ts'

const SESSIONS = 5_000

/** HAProxy does not have to find out: as an administrator would, the bench orders it to close the sessions. */
export const closing: Case = {
  name: 'closing',
  title: `${SESSIONS.toLocaleString('en')} idle sessions are closed`,
  figures: [
    {
      ...{ key: 'closed', unit: 'ms', of: 'median', target: { max: 150 } },
      label: 'leader key names another member (HAProxy: `shutdown sessions`) → last client is closed',
    },
  ],
  measure: inOneRun(async (record, rounds) => {
    requireDescriptors(SESSIONS)
    await using cluster = await FakeCluster.start(2)
    await using other = await FakeCluster.start(1)
    await Promise.all([cluster.lead(0), other.lead(0)])
    await using router = await startRouter(cluster.config)
    await using haproxy = await startHaproxy(other.member(0))
    const count = rounds ?? ROUNDS
    for (let round = 0; round < count; round++) {
      const names = [0, 1].map((index) => cluster.member((round + index) % 2).name)
      await router.waitForLog('the primary', ({ event, member }) => event === 'primary-open' && member === names[0], {
        from: 1 + router.log.findLastIndex(({ event }) => event === 'fenced'),
      })
      record.add('closed', {
        router: await closed(router.primaryPort, () => cluster.lead((round + 1) % 2)),
        haproxy: await closed(haproxy.primaryPort, async () => {
          const from = clock()
          await haproxy.command('shutdown sessions server primary/pg0')
          return from
        }),
      })
      record.progress(`round ${round + 1} of ${count}`)
    }
  }),
}

/** Opens the sessions, and returns the milliseconds from the moment of `order` to the close of the last one. */
async function closed(port: number, order: () => Promise<number>): Promise<number> {
  await using clients = ManyClients.of(port)
  await clients.open(SESSIONS)
  const from = await order()
  return (await clients.closed()) - from
}
