// The watchers of all clusters of a configuration, and nothing else: `node watchers-main.ts CONFIG_FILE`, with IPC.
import pino from 'pino'
import { Lookups } from '../../src/names/lookups.ts'
import { Bursts } from '../../src/watcher/checks/bursts.ts'
import { RestClient } from '../../src/watcher/checks/rest-client.ts'
import { createDcs } from '../../src/watcher/dcs/create.ts'
import { Epochs } from '../../src/watcher/primary/running-machine.ts'
import { Watcher } from '../../src/watcher/watcher.ts'
import { readConfig } from '../../test/support/router/load-config.ts'
import { clock } from '../../test/support/until.ts'
import { type Longest, Turns } from './turns.ts'

/** The messages to the process: observe the clusters, measure turns from now on, stop that and answer with the longest one. */
export type Order = 'observe' | 'measure' | 'answer'

/** What was measured. */
export interface Turned {
  readonly longest: Longest
  /** Published meanwhile. */
  readonly views: number
  /** How often a cluster has lost the DCS since the process began. */
  readonly losses: number
}

/** The messages of the process; `at` in milliseconds since the epoch. */
export type Report =
  | { readonly type: 'ready' }
  | ({ readonly type: 'turns' } & Turned)
  | { readonly type: 'open'; readonly scope: string; readonly member: string; readonly at: number }

const [file = null] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
const report = (message: Report): boolean | undefined => process.send?.(message)
const result = await readConfig({ configFlag: file, env: process.env })
if (!result.ok) throw new Error(JSON.stringify(result.problems))
const { clusters } = result.config
const turns = new Turns()
let views = 0
let losses = 0
// What the watchers of a router share: see src/router/clusters.ts.
const [lookups, epochs, bursts] = [new Lookups(), new Epochs(), new Bursts()]
const log = pino({ level: 'info' }, { write: () => undefined })
const watchers = clusters.map((config) => {
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups, log)
  const dcs = createDcs(config, rest, { log, clusters })
  const watcher = new Watcher({ config, dcs, rest, state: null, epochs, bursts, log })
  let open: string | null = null
  let isUp = false
  watcher.subscribe('counts', ({ primary, dcs: { state } }) => {
    views++
    if (isUp && state === 'lost') losses++
    isUp = state === 'up'
    const member = primary.state === 'open' ? primary.member : null
    if (member !== null && member !== open) report({ type: 'open', scope: config.scope, member, at: clock() })
    open = member
  })
  return watcher
})
process.on('message', (order: Order) => {
  if (order === 'observe') for (const watcher of watchers) watcher.start()
  else if (order === 'answer') report({ type: 'turns', longest: turns.stop(), views, losses })
  else {
    views = 0
    turns.start()
  }
})
report({ type: 'ready' })
