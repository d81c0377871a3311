import type { Case } from '../figures.ts'
import { LeaderBed, RUNS, signalled } from './leader-testbed.ts'
import { spread } from './takeover.ts'

/** Two checks that fail, each of a second, two seconds apart, and a good part of those two seconds before the first. */
const FROZEN_MS = 7_000

export const killed: Case = {
  name: 'killed',
  title: "examples/keepalived-leader: the router on the leader's host is killed (SIGKILL)",
  async measure(runs, progress) {
    await using bed = await LeaderBed.start()
    const left: number[] = []
    const back: number[] = []
    for (let run = 1; run <= (runs ?? RUNS); run++) {
      const leader = await bed.settle()
      const at = await signalled(leader, 'patroni-router', 'KILL')
      const without = await bed.watch.change(leader.name, false, at)
      left.push(without - at)
      back.push((await bed.watch.change(leader.name, true, without)) - without)
      progress(`run ${run}: left after ${Math.round(without - at)} ms`)
    }
    return [...spread('until the address has left', left, 1_000), ...spread('until it is back, with the router', back)]
  },
}

export const frozen: Case = {
  name: 'frozen',
  title: "examples/keepalived-leader: the router on the leader's host is frozen (SIGSTOP)",
  async measure(runs, progress) {
    await using bed = await LeaderBed.start()
    const left: number[] = []
    for (let run = 1; run <= (runs ?? RUNS); run++) {
      const leader = await bed.settle()
      const at = await signalled(leader, 'patroni-router', 'STOP')
      left.push((await bed.watch.change(leader.name, false, at, { timeoutMs: 30_000 })) - at)
      await signalled(leader, 'patroni-router', 'CONT')
      progress(`run ${run}: left after ${Math.round(left.at(-1) ?? NaN)} ms`)
    }
    return spread('until the address has left', left, FROZEN_MS)
  },
}
