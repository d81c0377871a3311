import { type Case, medianAndWorst } from '../case.ts'
import { inOneRun } from '../run.ts'
import { LeaderTestbed, RUNS, signalled } from './leader-testbed.ts'

/** Two checks that fail, each of a second, two seconds apart, and a good part of those two seconds before the first. */
const FROZEN_MS = 7_000

export const killed: Case = {
  name: 'killed',
  title: "examples/keepalived-leader: the router on the leader's host is killed (SIGKILL)",
  figures: [
    ...medianAndWorst('left', 'failure → address gone from the host', 1_000),
    ...medianAndWorst('back', 'address gone → address back, with the restarted router'),
  ],
  measure: inOneRun(async (record, repeats) => {
    await using testbed = await LeaderTestbed.start()
    for (let run = 1; run <= (repeats ?? RUNS); run++) {
      const leader = await testbed.settle()
      const at = await signalled(leader, 'patroni-router', 'KILL')
      const without = await testbed.watch.change(leader.name, false, at)
      record.add('left', without - at)
      record.add('back', (await testbed.watch.change(leader.name, true, without)) - without)
      record.progress(`run ${run}: left after ${Math.round(without - at)} ms`)
    }
  }),
}

export const frozen: Case = {
  name: 'frozen',
  title: "examples/keepalived-leader: the router on the leader's host is frozen (SIGSTOP)",
  figures: medianAndWorst('left', 'failure → address gone from the host', FROZEN_MS),
  measure: inOneRun(async (record, repeats) => {
    await using testbed = await LeaderTestbed.start()
    for (let run = 1; run <= (repeats ?? RUNS); run++) {
      const leader = await testbed.settle()
      const at = await signalled(leader, 'patroni-router', 'STOP')
      const without = await testbed.watch.change(leader.name, false, at, { timeoutMs: 30_000 })
      record.add('left', without - at)
      await signalled(leader, 'patroni-router', 'CONT')
      record.progress(`run ${run}: left after ${Math.round(without - at)} ms`)
    }
  }),
}
