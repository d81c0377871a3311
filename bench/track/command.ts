import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Scene } from '../../test/integration/templates/scene.ts'
import { Child } from '../../test/support/processes/child.ts'
import { installedFiles } from '../../test/support/router/installed.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { clock, until } from '../../test/support/until.ts'
import { type Case, type Figure, percentile } from '../figures.ts'

const RUNS = 200
/** Milliseconds. */
const MOST_MS = 150
/** Busy loops for each core, when the machine is not idle. */
const LOOPS = 1

/**
 * `patroni-router track`, run as keepalived runs it: a process each time, of the compiled program. Beside each a Node.js
 * that does nothing. Then the same while every core has something else to do.
 */
export const command: Case = {
  name: 'track',
  title: '`patroni-router track local-leader`, a process each',
  async measure(runs, progress) {
    await using scene = await Scene.create()
    await scene.reset()
    const router = await scene.run([], { name: 'pg0' })
    const track = [join(installedFiles(), 'dist/main.js'), 'track', 'local-leader', '-c', router.configFile]
    await until('it is known who leads', async () => (await timed(track, 0)) > 0)
    const figures: Figure[] = []
    for (const loops of [0, LOOPS * availableParallelism()]) {
      await using load = await busy(loops)
      const [bare, own]: [number[], number[]] = [[], []]
      for (let run = 0; run < (runs ?? RUNS); run++) {
        bare.push(await timed(['-e', '0'], 0))
        own.push(await timed(track, 0))
      }
      const on = loops === 0 ? 'on an idle machine' : `beside ${load.loops} busy loops`
      progress(`${own.length} runs ${on}`)
      const must = { max: MOST_MS }
      figures.push(
        { label: `Node.js that does nothing, ${on}, median`, value: percentile(bare, 0.5), unit: 'ms', must: null },
        { label: `Node.js that does nothing, ${on}, p99`, value: percentile(bare, 0.99), unit: 'ms', must: null },
        { label: `track, ${on}, median`, value: percentile(own, 0.5), unit: 'ms', must },
        { label: `track, ${on}, p99`, value: percentile(own, 0.99), unit: 'ms', must: loops === 0 ? must : null },
      )
    }
    return figures
  },
}

/** Milliseconds until the process has ended with `code`. @throws when it ends with another one. */
async function timed(args: readonly string[], code: number): Promise<number> {
  const begun = clock()
  const [ended] = (await once(spawn(process.execPath, args, { stdio: 'ignore', env: {} }), 'exit')) as [number]
  if (ended !== code) throw new Error(`${args.join(' ')}: exit ${ended}`)
  return clock() - begun
}

async function busy(loops: number): Promise<AsyncDisposable & { readonly loops: number }> {
  const dir = TempDir.create('busy')
  const options = { cwd: dir.path, logFile: join(dir.path, 'log') }
  for (let loop = 0; loop < loops; loop++) await Child.start('sh', ['-c', 'while :; do :; done'], options)
  return { loops, [Symbol.asyncDispose]: () => dir.remove() }
}
