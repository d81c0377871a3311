// `npm run bench:NAME`: measures with real parts and prints the table. When everything was measured it saves the results in
// bench/results, and writes the documents that are generated from these.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from '../scripts/debian-packages.ts'
import { writeDocuments } from '../scripts/documents.ts'
import type { Bench } from './bench.ts'
import { BENCHES } from './benches.ts'
import type { Case } from './case.ts'
import { tableWithCircumstances } from './document.ts'
import { missesOf } from './figures.ts'
import { describeMachine } from './machine.ts'
import { appendResult, publish, readResults, type Result } from './results.ts'
import { runLine } from './table.ts'

/** Cases that mostly wait and are measured at the same time. */
const SIDE_BY_SIDE = 2

const OPTIONS = {
  runs: { type: 'string' },
  case: { type: 'string', multiple: true },
  results: { type: 'string' },
  from: { type: 'string', multiple: true },
  write: { type: 'boolean' },
  help: { type: 'boolean', default: false },
} as const

function usage({ name, cases, runs }: Bench): string {
  return `usage: npm run bench:${name} -- [--runs N] [--case NAME[,NAME]] [--results FILE] [--no-write]
       npm run bench:${name} -- --from FILE... [--write]

  --runs N       ${runs}
  --case NAMES   ${cases.map((one) => one.name).join(', ')} (all)
  --results FILE append every run as JSON (a new temporary file)
  --from FILE    measure nothing and report these results; may be repeated
  --write        save the results in bench/results/${name}.jsonl, in place of those of the same cases, and write the
                 documents; the default when every case is measured in full, unless --no-write is given
`
}

/** Measures, and appends every run to `file`. */
async function measure(bench: Bench, cases: readonly Case[], runs: number | null, file: string): Promise<Result[]> {
  const obstacle = await ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  console.log(`every run is saved in ${file}`)
  const interrupt = (): never => {
    console.error(`interrupted: see --from ${file}`)
    // The measured processes end with this one: see TempDir.
    process.exit(130)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const machine = describeMachine()
  const results: Result[] = []
  const measureOne = async (one: Case): Promise<void> => {
    console.log(`${one.name}: ${one.title}`)
    await one.measure(runs, (run) => {
      const result = { case: one.name, machine, ...run }
      results.push(result)
      appendResult(file, result)
      console.log(runLine(bench.columns, one, result))
    })
  }
  const waiting = cases.filter(({ waits }) => waits === true)
  const lane = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await measureOne(one)
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane))
  for (const one of cases.filter(({ waits }) => waits !== true)) await measureOne(one)
  return results
}

/** Prints the table, and says whether every requested case was measured and met its targets. */
function report(bench: Bench, cases: readonly Case[], results: readonly Result[], write: boolean): boolean {
  console.log(`\n${tableWithCircumstances(bench, results)}`)
  if (write) {
    publish(bench, results)
    writeDocuments()
  }
  const of = (one: Case) => results.filter(({ case: name }) => name === one.name)
  return cases.every((one) => of(one).length > 0 && of(one).every((run) => missesOf(one, run).length === 0))
}

/** Returns the exit code: 0 when every target was met, 1 when one was missed, 2 for a usage error. */
async function main([which, ...args]: readonly string[]): Promise<number> {
  const bench = BENCHES.find(({ name }) => name === which)
  if (bench === undefined) {
    console.error(`usage: node bench/main.ts ${BENCHES.map(({ name }) => name).join('|')} [OPTIONS]`)
    return 2
  }
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true, allowNegative: true })
  const names = values.case?.flatMap((list) => list.split(','))
  const unknown = names?.filter((name) => !bench.cases.some((one) => one.name === name)) ?? []
  const stray = values.from === undefined ? positionals : []
  const runs = values.runs === undefined ? null : Number(values.runs)
  if (values.help || unknown.length + stray.length > 0 || (runs !== null && (!Number.isInteger(runs) || runs < 1))) {
    if (unknown.length + stray.length > 0) console.error(`unknown: ${[...unknown, ...stray].join(', ')}`)
    console.error(usage(bench))
    return values.help ? 0 : 2
  }
  const write = values.write ?? (names === undefined && values.from === undefined && runs === null)
  const cases = bench.cases.filter(({ name }) => names?.includes(name) ?? true)
  if (values.from === undefined) {
    const file = values.results ?? join(mkdtempSync(join(tmpdir(), `${bench.name}-`)), 'results.jsonl')
    return report(bench, cases, await measure(bench, cases, runs, file), write) ? 0 : 1
  }
  const results = readResults([...values.from, ...positionals])
  for (const one of cases) {
    for (const result of results.filter(({ case: name }) => name === one.name))
      console.log(runLine(bench.columns, one, result))
  }
  return report(bench, cases, results, write) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
