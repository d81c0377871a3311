/** `show stat typed` and `show info typed`: a line for each value, with its place, its name, its tags and its type. Pure. */
import { COLUMNS, type RowKind, tagsOf } from './columns.ts'
import type { InfoValue } from './info.ts'
import type { StatRow } from './rows.ts'
import { plain } from './value.ts'

const LETTERS: Readonly<Record<RowKind, string>> = { frontend: 'F', backend: 'B', server: 'S' }

/** Returns the lines of a row. `isDescribed`: each ends with its description (`desc`). */
export function typedLines({ kind, sectionId, serverId, values }: StatRow, isDescribed: boolean): string {
  return COLUMNS.map((column, place) => {
    const { name, type, description } = column
    const value = values[name] ?? null
    if (value === null || type === null) return ''
    const end = isDescribed ? `:"${description}"` : ''
    return `${LETTERS[kind]}.${sectionId}.${serverId}.${place}.${name}.1:${tagsOf(column, kind)}:${type}:${plain(value)}${end}\n`
  }).join('')
}

export function typedInfoLine({ field, value }: InfoValue, isDescribed: boolean): string {
  const { place, name, tags, type, description } = field
  return `${place}.${name}.1:${tags}:${type}:${plain(value)}${isDescribed ? `:"${description}"` : ''}\n`
}
