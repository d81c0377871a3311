// A watcher whose views are counted: `node views-main.ts CONFIG_FILE`, with IPC: each message is answered with the counts.
import pino from 'pino'
import { Lookups } from '../../src/names/lookups.ts'
import { RestClient } from '../../src/watcher/checks/rest-client.ts'
import { createDcs } from '../../src/watcher/dcs/create.ts'
import { Epochs } from '../../src/watcher/primary/running-machine.ts'
import { servesReads, type ClusterView } from '../../src/watcher/view.ts'
import { Watcher } from '../../src/watcher/watcher.ts'
import { readConfig } from '../../test/support/router/load-config.ts'
import { changesBetween } from './changes.ts'

/** What the watcher has done since it began. */
export interface Counts {
  /** What it was handed of the DCS: lists and confirmations. */
  readonly observations: number
  readonly views: number
  /** Views in which nothing differs from the one before but the time of the last read. */
  readonly unchanged: number
  /** By where the views differed from the one before, such as `members.lagBytes`: how many did. */
  readonly changes: Readonly<Record<string, number>>
  /** The primary is open, and every other member serves reads. */
  readonly isSettled: boolean
}

const [file = null] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
const result = await readConfig({ configFlag: file, env: process.env })
const config = result.ok ? result.config.clusters[0] : undefined
if (config === undefined) throw new Error(JSON.stringify(result))
const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, new Lookups())
const source = createDcs(config, rest)
const { kind, leaderFrom, absence } = source
const counts = { observations: 0, views: 0, unchanged: 0 }
const changes: Record<string, number> = {}
let before: ClusterView | null = null

const dcs = {
  ...{ kind, leaderFrom, absence },
  async *observe(...args: Parameters<typeof source.observe>) {
    for await (const observation of source.observe(...args)) {
      counts.observations++
      yield observation
    }
  },
}
const watcher = new Watcher({ config, dcs, rest, state: null, epochs: new Epochs(), log: pino({ level: 'silent' }) })
watcher.subscribe('counts', (view) => {
  counts.views++
  // The first has none before it.
  const where = before === null ? ['first'] : changesBetween(unread(before), unread(view))
  if (where.length === 0) counts.unchanged++
  for (const path of where) changes[path] = (changes[path] ?? 0) + 1
  before = view
})
watcher.start()
process.on('message', () => process.send?.({ ...counts, changes, isSettled: isSettled(watcher.view) } satisfies Counts))

/** Returns the view without the time of the last read, which is no reason for another one. */
function unread(view: ClusterView): ClusterView {
  return { ...view, dcs: { ...view.dcs, readAt: null } }
}

function isSettled({ primary, members }: ClusterView): boolean {
  return primary.state === 'open' && members.every((member) => member.isLeader || servesReads(member))
}
