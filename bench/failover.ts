// `npm run failover`: what clients see when something fails, through the router and through HAProxy, side by side on a
// real Patroni cluster. See USAGE.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from '../scripts/debian-packages.ts'
import type { Case } from './case.ts'
import { CASES } from './cases.ts'
import { describeMachine } from './machine.ts'
import { measureCase } from './measure.ts'
import { aroundTable, circumstances, writeReadme } from './readme.ts'
import { runLine, table } from './report.ts'
import { appendResult, missesOf, readResults } from './results.ts'
import type { Result } from './results.ts'

const USAGE = `usage: npm run failover -- [--runs N] [--case NAME[,NAME]] [--results FILE] [--no-readme]
       npm run failover -- --from FILE... [--readme]

  --runs N       how often each case is measured (10)
  --case NAMES   ${CASES.map(({ name }) => name).join(', ')} (all)
  --results FILE where every run is appended as JSON (a new temporary file)
  --from FILE    measures nothing and reports these results; may be repeated
  --readme       writes the table to README.md, as is done when all cases are measured; --no-readme
`
/** Cases that mostly wait and are measured at the same time. */
const SIDE_BY_SIDE = 2

const OPTIONS = {
  runs: { type: 'string', default: '10' },
  case: { type: 'string', multiple: true },
  results: { type: 'string' },
  from: { type: 'string', multiple: true },
  readme: { type: 'boolean' },
  help: { type: 'boolean', default: false },
} as const

/** Measures, and appends every run to `file`. */
async function measure(cases: readonly Case[], runs: number, file: string): Promise<Result[]> {
  const obstacle = ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  console.log(`every run is kept in ${file}`)
  const interrupt = (): never => {
    console.error(`interrupted: see --from ${file}`)
    // What the clusters consist of ends with this process: see TempDir.
    process.exit(130)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const machine = describeMachine()
  const results: Result[] = []
  const measureOne = async (one: Case): Promise<void> => {
    const onResult = (result: Result): void => {
      results.push(result)
      appendResult(file, result)
      console.log(runLine(one, result))
    }
    await measureCase(one, { runs, machine, onResult })
  }
  const waiting = cases.filter(({ waits }) => waits)
  const lane = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await measureOne(one)
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane))
  for (const one of cases.filter(({ waits }) => !waits)) await measureOne(one)
  return results
}

/** Prints the table, and says whether everything that was asked for has been measured and kept. */
function report(cases: readonly Case[], results: readonly Result[], readme: boolean): boolean {
  const text = table(cases, results)
  console.log(`\n${text}\n\n${circumstances(results)}`)
  if (readme) writeReadme(text, results)
  const of = (one: Case) => results.filter(({ case: name }) => name === one.name)
  return cases.every((one) => of(one).length > 0 && of(one).every((run) => missesOf(one, run).length === 0))
}

/** Exit code 0 when everything was kept, 1 when something was missed, 2 for a usage error. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true, allowNegative: true })
  const names = values.case?.flatMap((list) => list.split(','))
  const unknown = names?.filter((name) => !CASES.some((one) => one.name === name)) ?? []
  const stray = values.from === undefined ? positionals : []
  const runs = Number(values.runs)
  if (values.help || unknown.length + stray.length > 0 || !Number.isInteger(runs) || runs < 1) {
    if (unknown.length + stray.length > 0) console.error(`unknown: ${[...unknown, ...stray].join(', ')}`)
    console.error(USAGE)
    return values.help ? 0 : 2
  }
  const readme = values.readme ?? (names === undefined && values.from === undefined)
  // Better now than after half an hour.
  if (readme) aroundTable()
  const cases = CASES.filter(({ name }) => names?.includes(name) ?? true)
  if (values.from === undefined) {
    const file = values.results ?? join(mkdtempSync(join(tmpdir(), 'failover-')), 'results.jsonl')
    return report(cases, await measure(cases, runs, file), readme) ? 0 : 1
  }
  const results = readResults([...values.from, ...positionals])
  for (const one of cases) {
    for (const result of results.filter(({ case: name }) => name === one.name)) console.log(runLine(one, result))
  }
  return report(cases, results, readme) ? 0 : 1
}

process.exitCode = await main()
