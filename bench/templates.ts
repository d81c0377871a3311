// `npm run templates`: what the templates of the router promise, measured with real parts. See USAGE.
import { parseArgs } from 'node:util'
import { ensureDebianPackages } from '../scripts/debian-packages.ts'
import { describeMachine } from './machine.ts'
import { burst } from './templates/burst.ts'
import { type Case, type Figure, format, isKept, mustOf } from './templates/case.ts'
import { churn } from './templates/churn.ts'
import { leader } from './templates/leader.ts'
import { members } from './templates/members.ts'
import { pgbouncer } from './templates/pgbouncer.ts'

const CASES: readonly Case[] = [leader, churn, burst, members, pgbouncer]

const USAGE = `usage: npm run templates -- [--case NAME[,NAME]] [--runs N]

  --case NAMES   ${CASES.map(({ name }) => name).join(', ')} (all)
  --runs N       leader changes (50), renders (100) or switchovers (20)
`
const OPTIONS = {
  case: { type: 'string', multiple: true },
  runs: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

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

/** Exit code 0 when everything was kept, 1 when something was missed, 2 for a usage error. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS })
  const names = values.case?.flatMap((list) => list.split(','))
  const unknown = names?.filter((name) => !CASES.some((one) => one.name === name)) ?? []
  const runs = values.runs === undefined ? null : Number(values.runs)
  if (values.help || unknown.length > 0 || (runs !== null && (!Number.isInteger(runs) || runs < 1))) {
    if (unknown.length > 0) console.error(`unknown: ${unknown.join(', ')}`)
    console.error(USAGE)
    return values.help ? 0 : 2
  }
  const obstacle = ensureDebianPackages()
  if (obstacle !== null) throw new Error(obstacle)
  // What is measured ends with this process: see TempDir.
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(130))
  const results: Result[] = []
  for (const one of CASES) if (names?.includes(one.name) ?? true) results.push(await measureOne(one, runs))
  const rows = results.flatMap(rowsOf).map((cells) => `| ${cells.join(' | ')} |`)
  const day = new Date().toISOString().slice(0, 10)
  const circumstances = `Measured ${day} with \`npm run templates\` on ${describeMachine()}.`
  console.log(['', '| case | must | measured | |', '|---|---|---|---|', ...rows, '', circumstances].join('\n'))
  return results.every(({ error, figures }) => error === null && figures.every(isKept)) ? 0 : 1
}

process.exitCode = await main()
