/** The text of a journal. Pure. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { bad, good, type Parsed } from '../../config/values/parsed.ts'
import { parseJson } from '../../text/unknown-shape.ts'
import type { StagedFile } from './stage.ts'

/** A file that is about to be replaced. */
export interface JournalFile extends StagedFile {
  /** SHA-256 of what was there before, in hexadecimal; null: nothing. */
  readonly before: string | null
}

export interface JournalState {
  readonly group: string
  /** Whether a reload is due whatever becomes of the commit. */
  readonly reloadDue: boolean
  readonly commit: { readonly files: readonly JournalFile[]; readonly reload: boolean } | null
}

/** To be raised when an older router would misunderstand what is written. */
const FORMAT = 1

const HEADER = z.looseObject({ format: z.int() })
const DIGEST = z.string().regex(/^[0-9a-f]{64}$/)
const PATH = z.string().refine(isAbsolute)
const ID = z.int().min(0)
const FILE = z.strictObject({
  destination: PATH,
  path: PATH,
  staged: PATH,
  digest: DIGEST,
  before: DIGEST.nullable(),
  backup: z.boolean(),
  uid: ID,
  gid: ID,
  mode: ID.max(0o7777),
})
const JOURNAL = z.strictObject({
  format: z.literal(FORMAT),
  group: z.string(),
  /** For people. */
  phase: z.enum(['commit', 'reload']),
  reload_due: z.boolean(),
  commit: z.strictObject({ reload: z.boolean(), files: z.array(FILE) }).nullable(),
})

/** Returns the text of a journal. */
export function encodeJournal({ group, reloadDue, commit }: JournalState): string {
  const phase = commit === null ? 'reload' : 'commit'
  const journal = { format: FORMAT, group, phase, reload_due: reloadDue, commit }
  return `${JSON.stringify(journal, null, 2)}\n`
}

/** Reads what `encodeJournal` wrote, and nothing else; a message is fit to follow the name of the file. */
export function decodeJournal(text: string, group: string): Parsed<JournalState> {
  const json = parseJson(text)
  const header = HEADER.safeParse(json)
  if (!header.success) return bad('is not a journal, or is cut off')
  if (header.data.format > FORMAT) return bad('was written by a newer version of patroni-router')
  const { data, error } = JOURNAL.safeParse(json)
  if (data === undefined) return bad(`is damaged at ${error.issues[0]?.path.map(String).join('.') ?? 'its top'}`)
  if (data.group !== group) return bad('is that of another group')
  return good({ group, reloadDue: data.reload_due, commit: data.commit })
}
