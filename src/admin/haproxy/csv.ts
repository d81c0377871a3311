/** `show stat` as CSV, and `/;csv` of HAProxy's page. */
import type { RouterStatus } from '../status.ts'
import { choiceOf, chosenRows } from './chosen-rows.ts'
import { COLUMNS, MODULE_COLUMNS } from './columns.ts'
import { batches, type StatRow } from './rows.ts'
import { plain } from './value.ts'

/** The first line. The column `-` ends those that HAProxy always has. */
const CSV_HEADER = `# ${[...COLUMNS.map(({ name }) => name), '-', ...MODULE_COLUMNS].join(',')},\n`

const MODULES = `-,${','.repeat(MODULE_COLUMNS.length)}\n`

/** Returns one line. A value with a comma, a quote or a line end is quoted. */
function csvLine({ values }: StatRow): string {
  const cells = COLUMNS.map(({ name }) => {
    const value = values[name] ?? null
    return value === null ? '' : quoted(plain(value))
  })
  return `${cells.join(',')},${MODULES}`
}

function quoted(text: string): string {
  return /[\n\r,"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Returns all of it in parts, so that other work can be done in between. `words`: which servers are left out, as in `show stat`. */
export function* statCsvParts(status: RouterStatus, words: readonly string[] = []): Generator<string> {
  yield* csvParts(chosenRows(status, choiceOf(words)))
}

/** Returns the table of these rows in parts. */
export function* csvParts(sections: Iterable<readonly StatRow[]>): Generator<string> {
  yield CSV_HEADER
  for (const rows of batches(sections)) yield rows.map(csvLine).join('')
}
