// `npm run docs`: writes the documents, and the parts of documents, that are generated from the source.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from '../bench/documents.ts'
import { IMAGES } from './images/images.ts'
import { publishedSchema } from '../src/admin/status/schema.ts'
import { publishedConfigurationSchema } from '../src/config/json-schema.ts'
import { DCS_KINDS } from '../src/watcher/dcs/kinds.ts'
import { CONFIGURATION_PARTS } from './manual/configuration-document.ts'
import { commandsDocument } from './manual/commands-document.ts'
import { statusTables } from './status-fields.ts'

const ROOT = join(import.meta.dirname, '..')

export interface Generated {
  /** Relative to the repository. */
  readonly file: string
  /** Only the text between `<!-- PART:begin -->` and `<!-- PART:end -->`; null: the whole file. */
  readonly part: string | null
  readonly text: () => string
}

/** All generated documents and parts. A test fails when one is not current. */
export const GENERATED: readonly Generated[] = [
  { file: 'docs/status.schema.json', part: null, text: publishedSchema },
  { file: 'docs/configuration.schema.json', part: null, text: () => publishedConfigurationSchema(DCS_KINDS) },
  ...CONFIGURATION_PARTS,
  { file: 'docs/commands.md', part: null, text: commandsDocument },
  { file: 'docs/operations.md', part: 'counters', text: statusTables },
  ...BENCHMARKS,
  ...IMAGES,
]

/** Returns the text of the whole file with its generated part replaced. @throws when it lacks the markers. */
export function generate({ file, part, text }: Generated): string {
  if (part === null) return text()
  const old = readFileSync(join(ROOT, file), 'utf8')
  const [begin, end] = [`<!-- ${part}:begin -->`, `<!-- ${part}:end -->`]
  const [from, to] = [old.indexOf(begin), old.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks ${begin} ... ${end}`)
  return `${old.slice(0, from + begin.length)}\n\n${text().trim()}\n\n${old.slice(to)}`
}

/** Writes all of it. */
export function writeDocuments(): void {
  for (const each of GENERATED) writeFileSync(join(ROOT, each.file), generate(each))
}

if (import.meta.main) writeDocuments()
