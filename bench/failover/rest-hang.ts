import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import { UNNOTICED, recordUnnoticed } from './outage.ts'

const HANGS_MS = 60_000

/** The REST API of a healthy primary accepts connections and answers nothing. */
export const restHang: Case = {
  name: 'rest-hang',
  title: 'the REST API of a healthy primary hangs for 60 s',
  figures: UNNOTICED,
  waits: true,
  measure: onTestbed({ relays: true }, async (testbed, record, leader) => {
    try {
      await recordUnnoticed(testbed, record, async () => {
        leader.hangRest()
        await sleep(HANGS_MS)
      })
    } finally {
      leader.resumeRest()
    }
  }),
}
