// `npm run bench:NAME`: measures with real parts, prints the table and writes it into the document where it belongs.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from '../scripts/debian-packages.ts'
import type { Bench } from './bench.ts'
import { BENCHES } from './benches.ts'
import type { Case } from './case.ts'
import { aroundTable, circumstances, writeDocument } from './document.ts'
import { missesOf } from './figures.ts'
import { describeMachine } from './machine.ts'
import { appendResult, readResults, type Result } from './results.ts'
import { runLine, table } from './table.ts'

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

function usage({ name, cases, document, runs }: Bench): string {
  return `usage: npm run bench:${name} -- [--runs N] [--case NAME[,NAME]] [--results FILE] [--no-write]
       npm run bench:${name} -- --from FILE... [--write]

  --runs N       ${runs}
  --case NAMES   ${cases.map((one) => one.name).join(', ')} (all)
  --results FILE where every run is appended as JSON (a new temporary file)
  --from FILE    measures nothing and reports these results; may be repeated
  --write        writes the table into ${document}, as is done when all is measured as often as it should be; --no-write
`
}

/** Measures, and appends every run to `file`. */
async function measure(bench: Bench, cases: readonly Case[], runs: number | null, file: string): Promise<Result[]> {
  const obstacle = ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  console.log(`every run is kept in ${file}`)
  const interrupt = (): never => {
    console.error(`interrupted: see --from ${file}`)
    // What is measured ends with this process: see TempDir.
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

/** Prints the table, and says whether everything that was asked for has been measured and kept. */
function report(bench: Bench, cases: readonly Case[], results: readonly Result[], write: boolean): boolean {
  const text = `${table(bench.columns, cases, results)}\n\n${circumstances(bench, results)}`
  console.log(`\n${text}`)
  if (write) writeDocument(bench, text)
  const of = (one: Case) => results.filter(({ case: name }) => name === one.name)
  return cases.every((one) => of(one).length > 0 && of(one).every((run) => missesOf(one, run).length === 0))
}

/** Exit code 0 when everything was kept, 1 when something was missed, 2 for a usage error. */
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
  // Better now than after half an hour.
  if (write) aroundTable(bench)
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
