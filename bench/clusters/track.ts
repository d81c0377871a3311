import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Scene } from '../../test/integration/templates/scene.ts'
import { Child } from '../../test/support/processes/child.ts'
import { installedFiles } from '../../test/support/router/installed.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { clock, until } from '../../test/support/until.ts'
import type { Case, Figure } from '../case.ts'
import { inOneRun } from '../run.ts'

const RUNS = 200
/** Milliseconds. */
const MOST_MS = 150
/** Busy loops when the machine is not idle: one for each core. */
const BUSY = availableParallelism()
const ON = { idle: 'on an idle machine', busy: `beside ${BUSY} busy loops` }

/**
 * `patroni-router track`, run as keepalived runs it: a process each time, of the compiled program. Beside each a Node.js
 * that does nothing. Then the same while every core has something else to do.
 */
export const track: Case = {
  name: 'track',
  title: '`patroni-router track local-leader`, one process a run',
  figures: (['idle', 'busy'] as const).flatMap((state): readonly Figure[] => {
    const [node, own] = [`Node.js that does nothing, ${ON[state]}`, `track, ${ON[state]}`]
    const target = { max: MOST_MS }
    return [
      { key: `node-${state}`, label: `${node}, median`, unit: 'ms', of: 'median' },
      { key: `node-${state}`, label: `${node}, p99`, unit: 'ms', of: 'p99' },
      { key: `track-${state}`, label: `${own}, median`, unit: 'ms', of: 'median', target },
      { key: `track-${state}`, label: `${own}, p99`, unit: 'ms', of: 'p99', ...(state === 'idle' ? { target } : {}) },
    ]
  }),
  measure: inOneRun(async (record, repeats) => {
    await using scene = await Scene.create()
    await scene.reset()
    const router = await scene.run([], { name: 'pg0' })
    const command = [join(installedFiles(), 'dist/main.js'), 'track', 'local-leader', '-c', router.configFile]
    await until('the router reports the leader', async () => (await timed(command, 0)) > 0)
    for (const state of ['idle', 'busy'] as const) {
      await using load = new AsyncDisposableStack()
      load.use(await busy(state === 'idle' ? 0 : BUSY))
      for (let run = 0; run < (repeats ?? RUNS); run++) {
        record.add(`node-${state}`, await timed(['-e', '0'], 0))
        record.add(`track-${state}`, await timed(command, 0))
      }
      record.progress(`${repeats ?? RUNS} runs ${ON[state]}`)
    }
  }),
}

/** Milliseconds until the process has ended with `code`. @throws when it ends with another one. */
async function timed(args: readonly string[], code: number): Promise<number> {
  const begun = clock()
  const [ended] = (await once(spawn(process.execPath, args, { stdio: 'ignore', env: {} }), 'exit')) as [number]
  if (ended !== code) throw new Error(`${args.join(' ')}: exit ${ended}`)
  return clock() - begun
}

async function busy(loops: number): Promise<AsyncDisposable> {
  const dir = TempDir.create('busy')
  const options = { cwd: dir.path, logFile: join(dir.path, 'log') }
  for (let loop = 0; loop < loops; loop++) await Child.start('sh', ['-c', 'while :; do :; done'], options)
  return { [Symbol.asyncDispose]: () => dir.remove() }
}
