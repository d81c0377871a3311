// `node scripts/test.ts SUITE... [FILE...] [--name PATTERN]`: runs the suites one after the other on node's own runner.
//   node scripts/test.ts unit integration cluster
//   node scripts/test.ts cluster test/cluster/crash.test.ts --name 'serves the new leader'
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from './debian-packages.ts'

type Suite = { readonly concurrency: number; readonly timeoutMs: number; readonly realParts: boolean }

const SUITES: Readonly<Record<string, Suite>> = {
  unit: { concurrency: availableParallelism(), timeoutMs: 60_000, realParts: false },
  // They wait more than they compute.
  integration: { concurrency: 3, timeoutMs: 120_000, realParts: true },
  // Each has a cluster of its own, which is waited for most of the time.
  cluster: { concurrency: 2, timeoutMs: 300_000, realParts: true },
}

const ROOT = join(import.meta.dirname, '..')

/** Runs one suite; true when it has passed. A run that is killed takes its test processes along. */
async function run(
  name: string,
  suite: Suite,
  files: readonly string[],
  pattern: string | undefined,
): Promise<boolean> {
  console.log(`\n${name}: ${files.length} files`)
  const options = [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${suite.timeoutMs}`,
    `--test-concurrency=${suite.concurrency}`,
    ...(pattern === undefined ? [] : [`--test-name-pattern=${pattern}`]),
  ]
  // With pdeathsig the runner hears of our death even by SIGKILL, and ends its test processes.
  const command = [process.execPath, ...options, ...files]
  const [program = '', ...args] = suite.realParts ? ['setpriv', '--pdeathsig', 'TERM', ...command] : command
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

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })
  const names = positionals.filter((argument) => argument in SUITES)
  const files = positionals.filter((argument) => !(argument in SUITES)).map((file) => relative(ROOT, resolve(file)))
  const unknown = files.filter((file) => !existsSync(join(ROOT, file)))
  if (positionals.length === 0 || unknown.length > 0) {
    console.error(
      `usage: node scripts/test.ts SUITE... [FILE...] [--name PATTERN]; unknown: ${unknown.join(' ') || '-'}`,
    )
    return 2
  }
  const failed: string[] = []
  for (const name of names) {
    const suite = SUITES[name]
    if (suite === undefined) continue
    const found = globSync(`test/${name}/**/*.test.ts`, { cwd: ROOT }).sort()
    const chosen = found.filter((file) => files.length === 0 || files.includes(file))
    const obstacle = suite.realParts ? ensureDebianPackages() : null
    if (obstacle !== null || chosen.length === 0) console.error(obstacle ?? `${name}: no test`)
    if (obstacle !== null || chosen.length === 0 || !(await run(name, suite, chosen, values.name))) failed.push(name)
  }
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
