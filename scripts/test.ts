// `node scripts/test.ts SUITE... [FILE...] [--name PATTERN]`: runs the suites on node's own runner, those of real parts together.
//   node scripts/test.ts unit integration cluster
//   node scripts/test.ts cluster test/cluster/crash.test.ts --name 'serves the new leader'
import { spawn } from 'node:child_process'
import { counted } from '../src/text/wording.ts'
import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from './debian-packages.ts'

type Stage = { readonly suites: readonly string[]; readonly concurrency: number; readonly timeoutMs: number }

/** Files of one stage run beside each other, whatever their suite. */
const UNIT: Stage = { suites: ['unit'], concurrency: availableParallelism(), timeoutMs: 60_000 }
/** They wait more than they compute. */
const REAL_PARTS: Stage = { suites: ['integration', 'cluster'], concurrency: 4, timeoutMs: 300_000 }
const STAGES = [UNIT, REAL_PARTS]

const ROOT = join(import.meta.dirname, '..')

/** Runs one stage; true when it has passed. A run that is killed takes its test processes along. */
async function run(
  stage: Stage,
  suites: string,
  files: readonly string[],
  pattern: string | undefined,
): Promise<boolean> {
  console.log(`\n${suites}: ${counted(files.length, 'file')}`)
  const options = [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${stage.timeoutMs}`,
    `--test-concurrency=${stage.concurrency}`,
    ...(pattern === undefined ? [] : [`--test-name-pattern=${pattern}`]),
  ]
  // With pdeathsig the runner is signalled even if this process is killed, and ends its test processes.
  const command = [process.execPath, ...options, ...files]
  const [program = '', ...args] = stage === REAL_PARTS ? ['setpriv', '--pdeathsig', 'TERM', ...command] : command
  // Hundreds of processes load the same modules.
  const env = { NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'), ...process.env }
  const runner = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env })
  const pass = (signal: NodeJS.Signals) => runner.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass)
  const status = await new Promise<number | null>((done, failed) => {
    runner.once('exit', done)
    runner.once('error', failed)
  })
  process.off('SIGINT', pass).off('SIGTERM', pass).off('SIGHUP', pass)
  return status === 0
}

/** Returns the files of the chosen suites of a stage, each list evenly among the others. */
function filesOf({ suites }: Stage, names: readonly string[], files: readonly string[]): readonly string[] {
  const lists = suites
    .filter((suite) => names.includes(suite))
    .flatMap((suite) => {
      const found = globSync(`test/${suite}/**/*.test.ts`, { cwd: ROOT }).sort()
      const chosen = found.filter((file) => files.length === 0 || files.includes(file))
      // The examples, in the first half, keep the machine busy; the watcher's, in the second one, wait for time to pass.
      const half = Math.ceil(chosen.length / 2)
      return [chosen.slice(0, half), chosen.slice(half).reverse()]
    })
  const placed = lists.flatMap((list) => list.map((file, index) => ({ file, place: (index + 0.5) / list.length })))
  return placed.sort((a, b) => a.place - b.place).map(({ file }) => file)
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })
  const known = STAGES.flatMap(({ suites }) => suites)
  const names = positionals.filter((argument) => known.includes(argument))
  const files = positionals.filter((argument) => !known.includes(argument)).map((file) => relative(ROOT, resolve(file)))
  const unknown = files.filter((file) => !existsSync(join(ROOT, file)))
  if (positionals.length === 0 || unknown.length > 0) {
    console.error(
      `usage: node scripts/test.ts SUITE... [FILE...] [--name PATTERN]; unknown: ${unknown.join(' ') || '-'}`,
    )
    return 2
  }
  const failed: string[] = []
  for (const stage of STAGES) {
    const own = stage.suites.filter((suite) => names.includes(suite))
    if (own.length === 0) continue
    const chosen = filesOf(stage, own, files)
    const obstacle = chosen.length === 0 ? 'no test' : stage === REAL_PARTS ? ensureDebianPackages() : null
    const suites = own.join(' and ')
    if (obstacle !== null) console.error(`${suites}: ${obstacle}`)
    if (obstacle !== null || !(await run(stage, suites, chosen, values.name))) failed.push(suites)
  }
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
