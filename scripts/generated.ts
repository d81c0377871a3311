import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

/** A document, or a part of one, that is made from the source. */
export interface Generated {
  /** Relative to the repository. */
  readonly file: string
  /** Only the text between `<!-- PART:begin -->` and `<!-- PART:end -->`; null: the whole file. */
  readonly part: string | null
  readonly text: () => string
}

/** Returns the text of the whole file with its generated part replaced. @throws when it lacks the markers. */
export function generate({ file, part, text }: Generated): string {
  if (part === null) return text()
  const old = readFileSync(join(ROOT, file), 'utf8')
  const [begin, end] = [`<!-- ${part}:begin -->`, `<!-- ${part}:end -->`]
  const [from, to] = [old.indexOf(begin), old.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks ${begin} ... ${end}`)
  return `${old.slice(0, from + begin.length)}\n\n${text().trim()}\n\n${old.slice(to)}`
}
