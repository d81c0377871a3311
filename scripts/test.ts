// `node scripts/test.ts SUITE... [FILE...] [--name PATTERN]`: runs the suites on node's own runner, those of real parts together,
// and `check`, which is `npm run check`, beside them.
//   node scripts/test.ts check unit integration cluster
//   node scripts/test.ts cluster test/cluster/crash.test.ts --name 'serves the new leader'
import { type ChildProcess, spawn } from 'node:child_process'
import { counted } from '../src/text/wording.ts'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from './debian-packages.ts'

type Stage = { readonly suites: readonly string[]; readonly concurrency: number; readonly timeoutMs: number }

/** Files of one stage run beside each other, whatever their suite; those of `unit` in one process, which loads each module once. */
const UNIT: Stage = { suites: ['unit'], concurrency: availableParallelism(), timeoutMs: 60_000 }
/** They wait more than they compute. */
const REAL_PARTS: Stage = { suites: ['integration', 'cluster'], concurrency: 5, timeoutMs: 300_000 }
const STAGES = [UNIT, REAL_PARTS]
const CHECK = 'check'

/** Unit tests with a process of their own: a long computation, and a look at the modules that are loaded. */
const ALONE: readonly string[] = ['test/unit/watcher/primary/exploration.test.ts', 'test/unit/router.test.ts']

/** It takes a third of the time. */
const LONGEST = 'test/integration/examples/docker-compose.test.ts'
/** Files of one room are alike, and some wait where others compute: each part of a run is to have of all. */
const STRIDE = 7

const ROOT = join(import.meta.dirname, '..')
const IN_ORDER = join(import.meta.dirname, 'in-order.ts')

/** Runs one stage; true when it has passed. A run that is killed takes its test processes along. */
async function run(
  stage: Stage,
  suites: string,
  files: readonly string[],
  pattern: string | undefined,
): Promise<boolean> {
  console.log(`\n${suites}: ${counted(files.length, 'file')}`)
  if (stage === REAL_PARTS) {
    // With pdeathsig it is signalled even if this process is killed, and ends its test processes.
    const limits = [String(stage.concurrency), String(stage.timeoutMs), pattern ?? '']
    return runFiles(['setpriv', '--pdeathsig', 'TERM', process.execPath, IN_ORDER, ...limits, ...mixed(files)])
  }
  const limits = [`--test-timeout=${stage.timeoutMs}`, `--import=${import.meta.resolve('./test-limit.ts')}`]
  const common = [process.execPath, '--test', '--test-reporter=spec', ...limits]
  const options = [...common, ...(pattern === undefined ? [] : [`--test-name-pattern=${pattern}`])]
  const alone = files.filter((file) => ALONE.includes(file))
  const together = files.filter((file) => !alone.includes(file))
  const passed = await Promise.all([
    alone.length === 0 || runFiles([...options, `--test-concurrency=${stage.concurrency}`, ...alone]),
    together.length === 0 || runFiles([...options, '--test-isolation=none', ...together]),
  ])
  return passed.every(Boolean)
}

/** Returns the files in the order in which they are to begin. */
function mixed(files: readonly string[]): readonly string[] {
  const sorted = files.filter((file) => file !== LONGEST).toSorted()
  const strides = Array.from({ length: STRIDE }, (_, first) => sorted.filter((_, at) => at % STRIDE === first))
  return [...files.filter((file) => file === LONGEST), ...strides.flat()]
}

async function runFiles([program = '', ...args]: readonly string[]): Promise<boolean> {
  // Hundreds of processes load the same modules.
  const env = { NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'), ...process.env }
  const runner = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env })
  const pass = (signal: NodeJS.Signals) => runner.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass)
  const passed = await passes(runner)
  process.off('SIGINT', pass).off('SIGTERM', pass).off('SIGHUP', pass)
  return passed
}

/** Returns whether it ends with 0. Rejects where it cannot be started. */
async function passes(child: ChildProcess): Promise<boolean> {
  const [status] = (await once(child, 'close')) as [number | null]
  return status === 0
}

/** Types, lint and formatting; true when all are as they should be. In the time that the tests leave; its output comes at its end. */
async function check(): Promise<boolean> {
  const child = spawn('nice', ['-n', '19', 'npm', 'run', '-s', CHECK], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const passed = await passes(child)
  process.stdout.write(Buffer.concat([Buffer.from(`\n${CHECK}: ${passed ? 'passed' : 'failed'}\n`), ...output]))
  return passed
}

/** Returns the files of the chosen suites of a stage. */
function filesOf({ suites }: Stage, names: readonly string[], files: readonly string[]): readonly string[] {
  return suites
    .filter((suite) => names.includes(suite))
    .flatMap((suite) => globSync(`test/${suite}/**/*.test.ts`, { cwd: ROOT }))
    .filter((file) => files.length === 0 || files.includes(file))
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })
  const known = [CHECK, ...STAGES.flatMap(({ suites }) => suites)]
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
  const checking = names.includes(CHECK) ? check() : null
  // The unit tests run while the packages are fetched.
  const packages = REAL_PARTS.suites.some((suite) => names.includes(suite)) ? ensureDebianPackages() : null
  for (const stage of STAGES) {
    const own = stage.suites.filter((suite) => names.includes(suite))
    if (own.length === 0) continue
    const chosen = filesOf(stage, own, files)
    const obstacle = chosen.length === 0 ? 'no test' : stage === REAL_PARTS ? await packages : null
    const suites = own.join(' and ')
    if (obstacle !== null) console.error(`${suites}: ${obstacle}`)
    if (obstacle !== null || !(await run(stage, suites, chosen, values.name))) failed.push(suites)
  }
  if ((await checking) === false) failed.unshift(CHECK)
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
