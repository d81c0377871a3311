import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRECEDENCE } from './priority.ts'
import type { Result } from './results.ts'

const README = join(import.meta.dirname, '../README.md')
const BEGIN = '<!-- failover:begin -->'
const END = '<!-- failover:end -->'

/** Puts the table between the markers of the README. @throws when they are not there. */
export function writeReadme(table: string, results: readonly Result[]): void {
  const { before, after } = aroundTable()
  writeFileSync(README, `${before}${BEGIN}\n\n${table}\n\n${circumstances(results)}\n\n${after}`)
}

/** The README before and after what the table replaces. @throws when it has no place for it. */
export function aroundTable(): { readonly before: string; readonly after: string } {
  const text = readFileSync(README, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`README.md has no ${BEGIN} ... ${END}`)
  return { before: text.slice(0, from), after: text.slice(to) }
}

/** When, where and how the results were measured, as a sentence. */
export function circumstances(results: readonly Result[]): string {
  const days = [...new Set(results.map(({ at }) => at.slice(0, 10)))].sort()
  const machines = [...new Set(results.map(({ machine }) => machine))]
  const late = Math.max(0, ...results.map(({ lateMs }) => lateMs))
  const precedence = results.some(({ notes }) => notes[PRECEDENCE] === true)
  return (
    `Measured ${days.join(', ')} with \`npm run failover\` on ${machines.join(' and on ')}. ` +
    `The measuring process was never late by more than ${Math.round(late)} ms.` +
    (precedence
      ? ' With the 1,000 sessions it, but not the router, had real-time priority, to see their ends in time.'
      : '')
  )
}
