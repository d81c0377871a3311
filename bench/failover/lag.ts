import { setTimeout as sleep } from 'node:timers/promises'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'

const LASTS_MS = 60_000
const LIMIT = 1024 ** 2
/** Where the router takes a replica back. */
const BACK_AT = 0.8 * LIMIT

/** A replica whose lag goes up and down around the limit: replay is halted and let go while the leader writes. */
export const lag: Case = {
  name: 'lag',
  title: 'the lag of a replica moves around `max_lag` for 60 s',
  figures: [
    {
      key: 'crossings',
      label: 'times the lag crossed the band between 80 % of the limit and the limit',
      unit: 'count',
    },
    { key: 'changes', label: 'times the router stopped or resumed using the replica', unit: 'count' },
    { key: 'excess', label: 'changes without a crossing', unit: 'count', target: { max: 0 } },
  ],
  measure: onTestbed({}, async (testbed, record, leader) => {
    const [replica] = await testbed.cluster.replicas()
    if (replica === undefined) throw new Error('there is no replica')
    const listeners = { limited: { bind: '127.0.0.1:0', route: 'replica', max_lag: '1MB' } }
    const config = { proxy: { listeners, check: { interval: '200ms' } } }
    await using router = await RouterProcess.forCluster(testbed.cluster, { config })
    const changes = (): unknown[] => {
      const own = router.log.filter(({ member, route }) => member === replica.name && route === 'limited')
      return own.map(({ event }) => event).filter((event) => event === 'member-unused' || event === 'member-used')
    }
    const end = clock() + LASTS_MS
    const state = { isMoving: true, isBehind: false, crossings: 0 }
    const moving = move(leader, replica, end).finally(() => (state.isMoving = false))
    while (state.isMoving || state.isBehind) {
      const isBehind = (await lagOf(leader, replica)) > (state.isBehind ? BACK_AT : LIMIT)
      if (isBehind !== state.isBehind) state.crossings++
      state.isBehind = isBehind
      await sleep(20)
    }
    await moving
    await until('the router uses the replica again', () => changes().length === 0 || changes().at(-1) === 'member-used')
    record.add('crossings', state.crossings)
    record.add('changes', changes().length)
    record.add('excess', Math.max(0, changes().length - state.crossings))
  }),
}

/** Moves the lag up to between 0.7 and 1.3 of the limit, and back, repeatedly. */
async function move(leader: PatroniMember, replica: PatroniMember, end: number): Promise<void> {
  for (let round = 0; clock() < end; round++) {
    const top = LIMIT * (0.7 + 0.1 * (round % 7))
    await replica.haltReplay()
    try {
      while (clock() < end && (await lagOf(leader, replica)) < top) {
        await leader.sql(`SELECT pg_logical_emit_message(true, 'lag', repeat('x', ${LIMIT / 16}))`)
      }
      await sleep(300)
    } finally {
      await replica.resumeReplay()
    }
    await sleep(300)
  }
}

async function lagOf(leader: PatroniMember, replica: PatroniMember): Promise<number> {
  const [end] = await leader.sql(`SELECT pg_current_wal_lsn() - '0/0' AS at`)
  const [replayed] = await replica.sql(`SELECT pg_last_wal_replay_lsn() - '0/0' AS at`)
  return Number(end?.['at']) - Number(replayed?.['at'])
}
