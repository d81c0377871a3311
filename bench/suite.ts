// What the benchmarks with a table of figures have in common: the command line, the runs, the table.
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from '../scripts/debian-packages.ts'
import { type Case, type Figure, format, isKept, mustOf } from './figures.ts'
import { describeMachine } from './machine.ts'

const OPTIONS = {
  case: { type: 'string', multiple: true },
  runs: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

export interface Suite {
  /** Of the npm script. */
  readonly name: string
  readonly cases: readonly Case[]
  /** What `--runs` counts. */
  readonly runs: string
}

type Result = { readonly measured: Case; readonly figures: readonly Figure[]; readonly error: string | null }

async function measureOne(measured: Case, runs: number | null): Promise<Result> {
  console.log(`${measured.name}: ${measured.title}`)
  try {
    const figures = await measured.measure(runs, (line) => console.log(`  ${line}`))
    return { measured, figures, error: null }
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
    console.error(said)
    return { measured, figures: [], error: said.split('\n')[0] ?? '' }
  }
}

function rowsOf({ measured, figures, error }: Result): readonly (readonly string[])[] {
  const kept = error === null && figures.every(isKept)
  const rows = figures.map((figure) => {
    return [
      figure.label,
      mustOf(figure),
      format(figure),
      figure.must === null ? '' : isKept(figure) ? 'kept' : 'missed',
    ]
  })
  const head = [`**${measured.title}**${error === null ? '' : ` (broke off: ${error})`}`, '', '']
  return [[...head, kept ? '**kept**' : '**missed**'], ...rows]
}

/** Measures and prints. Exit code 0 when everything was kept, 1 when something was missed, 2 for a usage error. */
export async function runSuite({ name, cases, runs: counted }: Suite): Promise<number> {
  const usage = `usage: npm run ${name} -- [--case NAME[,NAME]] [--runs N]

  --case NAMES   ${cases.map((one) => one.name).join(', ')} (all)
  --runs N       ${counted}
`
  const { values } = parseArgs({ options: OPTIONS })
  const names = values.case?.flatMap((list) => list.split(','))
  const unknown = names?.filter((wanted) => !cases.some((one) => one.name === wanted)) ?? []
  const runs = values.runs === undefined ? null : Number(values.runs)
  if (values.help || unknown.length > 0 || (runs !== null && (!Number.isInteger(runs) || runs < 1))) {
    if (unknown.length > 0) console.error(`unknown: ${unknown.join(', ')}`)
    console.error(usage)
    return values.help ? 0 : 2
  }
  const obstacle = ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  // What is measured ends with this process: see TempDir.
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(130))
  const results: Result[] = []
  for (const one of cases) if (names?.includes(one.name) ?? true) results.push(await measureOne(one, runs))
  const rows = results.flatMap(rowsOf).map((cells) => `| ${cells.join(' | ')} |`)
  const day = new Date().toISOString().slice(0, 10)
  const circumstances = `Measured ${day} with \`npm run ${name}\` on ${describeMachine()}.`
  console.log(['', '| case | must | measured | |', '|---|---|---|---|', ...rows, '', circumstances].join('\n'))
  return results.every(({ error, figures }) => error === null && figures.every(isKept)) ? 0 : 1
}
