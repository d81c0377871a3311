import type { PatroniMember } from '../../test/support/patroni/member.ts'
import type { Case } from '../case.ts'
import { type Recorder, recordRun } from '../run.ts'
import { Testbed, type TestbedOptions } from './testbed.ts'

const RUNS = 10

/** Does one run on a healthy cluster led by `leader`. Undoes what it did to the cluster, also when it throws. */
type Work = (testbed: Testbed, record: Recorder, leader: PatroniMember) => Promise<void>

/** Returns the `measure` of a case: all runs on one cluster; after a run that breaks off the next gets a new cluster. */
export function onTestbed(options: TestbedOptions, work: Work): Case['measure'] {
  return async (runs, onRun) => {
    const now: { testbed: Testbed | null; line: number } = { testbed: null, line: 0 }
    const prepare = async (): Promise<{ testbed: Testbed; leader: PatroniMember }> => {
      const testbed = (now.testbed ??= await Testbed.start(options))
      const leader = await testbed.settle()
      now.line = testbed.router.log.length
      return { testbed, leader }
    }
    try {
      for (let number = 1; number <= (runs ?? RUNS); number++) {
        const run = await recordRun(number, prepare, (record, { testbed, leader }) => work(testbed, record, leader))
        onRun({ ...run, log: now.testbed?.router.log.slice(now.line) ?? [] })
        if (run.error === null) continue
        await now.testbed?.[Symbol.asyncDispose]()
        now.testbed = null
      }
    } finally {
      await now.testbed?.[Symbol.asyncDispose]()
    }
  }
}
