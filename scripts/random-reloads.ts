// `npm run test:reload [-- COUNT [SEED]]`: the test of reloads from one random configuration to the next, for so many of them (1,000),
// and with a look at the memory. A seed repeats what it has drawn.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ensureDebianPackages } from './debian-packages.ts'

const ROOT = join(import.meta.dirname, '..')
const TEST = 'test/integration/reload/random.test.ts'

async function main(): Promise<number> {
  const [count = '1000', seed = String(Math.floor(Math.random() * 2 ** 32)), ...more] = process.argv.slice(2)
  if (more.length > 0 || ![count, seed].every((number) => /^\d{1,10}$/.test(number)) || Number(count) < 2) {
    console.error('usage: npm run test:reload [-- COUNT [SEED]]; COUNT: 2 or more')
    return 2
  }
  const obstacle = await ensureDebianPackages()
  if (obstacle !== null) {
    console.error(obstacle)
    return 1
  }
  const env = { ...process.env, RELOADS: count, SEED: seed }
  const options = ['--expose-gc', '--test-reporter=spec', TEST]
  const running = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, ...options], {
    ...{ cwd: ROOT, env, stdio: 'inherit' },
  })
  const [status] = (await once(running, 'close')) as [number | null]
  return status ?? 1
}

process.exitCode = await main()
