/** `show stat json`, `/;json` of HAProxy's page and `show info json`: HAProxy's schema (`show schema json`). */
import type { RouterStatus } from '../status.ts'
import { visibleJson } from '../../text/terminal.ts'
import { choiceOf, chosenRows } from './chosen-rows.ts'
import { COLUMNS, type RowKind, tagsOf, type ValueType } from './columns.ts'
import type { InfoValue } from './info.ts'
import { batches, type StatRow } from './rows.ts'
import { plain, tagsJson } from './value.ts'

const OBJECTS: Readonly<Record<RowKind, string>> = { frontend: 'Frontend', backend: 'Backend', server: 'Server' }

/** Returns a row as JSON. */
function rowJson({ kind, sectionId, serverId, values }: StatRow): string {
  const fields = COLUMNS.flatMap((column, pos) => {
    const { name, type } = column
    const value = values[name] ?? null
    if (value === null || type === null) return []
    const object = { objType: OBJECTS[kind], proxyId: sectionId, id: serverId, field: { pos, name }, processNum: 1 }
    return [{ ...object, tags: tagsJson(tagsOf(column, kind)), value: valueJson(type, value) }]
  })
  return visibleJson(fields)
}

/** Returns `show info json`. */
export function infoJson(values: readonly InfoValue[]): string {
  return visibleJson(
    values.map(({ field: { place, name, tags, type }, value }) => ({
      field: { pos: place, name },
      processNum: 1,
      tags: tagsJson(tags),
      value: valueJson(type, value),
    })),
  )
}

function valueJson(type: ValueType, value: string | number): object {
  return { type, value: typeof value === 'number' ? Number(plain(value)) : value }
}

/** Returns all of it in parts, so that other work can be done in between. `words`: which servers are left out, as in `show stat`. */
export function* statJsonParts(status: RouterStatus, words: readonly string[] = []): Generator<string> {
  yield* jsonParts(chosenRows(status, choiceOf(words)))
}

/** Returns the list of these rows in parts. */
export function* jsonParts(sections: Iterable<readonly StatRow[]>): Generator<string> {
  let before = '['
  for (const rows of batches(sections)) {
    yield before + rows.map(rowJson).join(',')
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}
