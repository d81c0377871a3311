// `npm run coverage -- [SUITE...] [FILE...]`: which lines, branches and functions of src/ the tests run, room by room.
// Processes that a test starts count as well, where they get its environment.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { finished } from 'node:stream/promises'
import { run, type EventData } from 'node:test'
import { ensureDebianPackages } from './debian-packages.ts'

type Summary = EventData.TestCoverage['summary']
type Count = Omit<Summary['totals'], `covered${string}Percent`>

const ROOT = join(import.meta.dirname, '..')
const SUITES = ['unit', 'integration', 'cluster']
const TIMEOUT_MS = 600_000
const CONCURRENCY = 4

/** Returns the room of a file: the folder of src/ that it is in, or src itself. */
function roomOf(path: string): string {
  const [, room = '', ...rest] = relative(ROOT, path).split('/')
  return rest.length === 0 ? 'src' : `src/${room}`
}

function sum(files: readonly Count[]): Count {
  const of = (key: keyof Count): number => files.reduce((total, file) => total + file[key], 0)
  return {
    ...{ totalLineCount: of('totalLineCount'), coveredLineCount: of('coveredLineCount') },
    ...{ totalBranchCount: of('totalBranchCount'), coveredBranchCount: of('coveredBranchCount') },
    ...{ totalFunctionCount: of('totalFunctionCount'), coveredFunctionCount: of('coveredFunctionCount') },
  }
}

function row(name: string, files: readonly Count[]): string {
  const total = sum(files)
  const percent = (covered: number, all: number): string =>
    all === 0 ? '-' : `${((100 * covered) / all).toFixed(1)} %`
  const cells = [
    String(files.length),
    String(total.totalLineCount),
    percent(total.coveredLineCount, total.totalLineCount),
    percent(total.coveredBranchCount, total.totalBranchCount),
    percent(total.coveredFunctionCount, total.totalFunctionCount),
  ]
  return name.padEnd(16) + cells.map((cell) => cell.padStart(11)).join('')
}

/** Returns what there is to count of the files that no test has loaded. */
function unloaded({ files }: Summary): readonly (Count & { readonly path: string })[] {
  const loaded = new Set(files.map(({ path }) => path))
  const all = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => join(ROOT, file))
  return all
    .filter((path) => !loaded.has(path))
    .map((path) => ({ path, ...sum([]), totalLineCount: readFileSync(path, 'utf8').split('\n').length - 1 }))
}

function table(summary: Summary): string {
  const files = [...summary.files, ...unloaded(summary)]
  const rooms = Map.groupBy(files, ({ path }) => roomOf(path))
  const head =
    'room'.padEnd(16) +
    ['files', 'lines', 'lines run', 'branches', 'functions'].map((cell) => cell.padStart(11)).join('')
  const rows = [...rooms].toSorted(([a], [b]) => a.localeCompare(b)).map(([room, own]) => row(room, own))
  return [head, ...rows, row('all', files)].join('\n')
}

/** Returns the exit code: 0, 1 when a test has failed, 2 for a usage error. */
async function main(arguments_: readonly string[]): Promise<number> {
  const chosen = arguments_.length === 0 ? ['unit'] : arguments_
  const files = chosen.flatMap((argument) => {
    return SUITES.includes(argument) ? globSync(`test/${argument}/**/*.test.ts`, { cwd: ROOT }).sort() : [argument]
  })
  const unknown = files.filter((file) => !existsSync(join(ROOT, file)))
  if (unknown.length > 0) {
    console.error(`usage: npm run coverage -- [${SUITES.join('|')}]... [FILE]...; unknown: ${unknown.join(' ')}`)
    return 2
  }
  const obstacle = files.every((file) => file.startsWith('test/unit/')) ? null : await ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  const measured: Summary[] = []
  let failed = 0
  const options = { cwd: ROOT, concurrency: CONCURRENCY, timeout: TIMEOUT_MS }
  const coverage = { coverage: true, coverageIncludeGlobs: ['src/**'] }
  const tests = run({ ...options, ...coverage, files: files.map((file) => join(ROOT, file)) })
  tests.on('test:coverage', (data) => measured.push(data.summary))
  tests.on('test:fail', ({ name, file, details }) => {
    if (details.type === 'suite') return
    failed++
    console.error(`failed: ${name} (${relative(ROOT, file ?? '')})`)
  })
  await finished(tests.resume())
  const [summary] = measured
  if (summary === undefined) throw new Error('nothing was measured')
  console.log(`${files.length} test files\n\n${table(summary)}`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
