import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import type { Result } from './results.ts'

const ROOT = join(import.meta.dirname, '..')

/** Puts `text` between the markers of the bench in its document. @throws when they are not there. */
export function writeDocument(bench: Bench, text: string): void {
  const { before, after } = aroundTable(bench)
  writeFileSync(join(ROOT, bench.document), `${before}\n\n${text}\n\n${after}`)
}

/** Returns the document up to and including the first marker, and from the last one on. @throws when they are not there. */
export function aroundTable({ name, document }: Bench): { readonly before: string; readonly after: string } {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const text = readFileSync(join(ROOT, document), 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${document} has no ${begin} ... ${end}`)
  return { before: text.slice(0, from + begin.length), after: text.slice(to) }
}

/** Says in a sentence or two when, where and how the results were measured. */
export function circumstances({ name }: Bench, results: readonly Result[]): string {
  const days = [...new Set(results.map(({ at }) => at.slice(0, 10)))].sort()
  const machines = [...new Set(results.map(({ machine }) => machine))]
  const late = Math.max(0, ...results.map(({ lateMs }) => lateMs))
  return [
    `Measured ${days.join(', ')} with \`npm run bench:${name}\` on ${machines.join(' and on ')}.`,
    `The measuring process was never late by more than ${Math.round(late)} ms.`,
    ...new Set(results.flatMap(({ remarks }) => remarks)),
  ].join(' ')
}
