// Metrics of routers of several sizes: `node scrape-main.ts SIZES SCRAPES`, with IPC.
import { setTimeout as sleep } from 'node:timers/promises'
import { metricsText } from '../../src/admin/metrics/exposition.ts'
import { largeStatus } from '../../test/unit/admin/metrics/large-status.ts'
import { Turns } from '../clusters/turns.ts'
import type { Found, Size } from './scrape.ts'

/** Between two scrapes. Milliseconds. */
const PAUSE_MS = 20

const [sizes = '[]', scrapes = '0'] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
for (const size of JSON.parse(sizes) as readonly Size[]) await scraped(size)
process.disconnect()

function found(message: Found): void {
  process.send?.(message)
}

async function scraped({ key, clusters, members, listeners }: Size): Promise<void> {
  const status = largeStatus(clusters, members, listeners)
  const turns = new Turns()
  await scrape(status)
  const longest = { turnMs: 0, workMs: 0 }
  for (let run = 0; run < Number(scrapes); run++) {
    const { user, system } = process.cpuUsage()
    const size = await scrape(status)
    const used = process.cpuUsage({ user, system })
    found({ key: `size-${key}`, value: size / 1024 ** 2 })
    found({ key: `cpu-${key}`, value: (used.user + used.system) / 1000 })
    turns.start()
    await scrape(status)
    const { turnMs, workMs } = turns.stop()
    found({ key: `turn-${key}`, value: turnMs })
    found({ key: `work-${key}`, value: workMs })
    longest.turnMs = Math.max(longest.turnMs, turnMs)
    longest.workMs = Math.max(longest.workMs, workMs)
    await sleep(PAUSE_MS)
  }
  found({ progress: `${key}: longest turn ${longest.turnMs.toFixed(1)} ms, ${longest.workMs.toFixed(1)} ms of work` })
}

/** Returns the size. Bytes. */
async function scrape(status: ReturnType<typeof largeStatus>): Promise<number> {
  let size = 0
  for await (const slice of metricsText(status, { scopes: ['native'], noMaint: false }))
    size += Buffer.byteLength(slice)
  return size
}
