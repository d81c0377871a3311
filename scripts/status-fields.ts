/** The tables of docs/operations.md about the counters and states of `status --json`, from its schema. Pure. */
import { table } from './markdown.ts'
import { publishedSchema } from '../src/admin/status/schema.ts'

interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string
  readonly minimum?: number
  readonly enum?: readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

interface Field {
  /** As in jq: `.clusters[].leader`. */
  readonly path: string
  readonly schema: Schema
}

/** Returns every field of the published schema. */
export function statusFields(): readonly Field[] {
  const root = JSON.parse(publishedSchema()) as Schema
  const fields: Field[] = []
  const visit = (schema: Schema, path: string): void => {
    const name = schema.$ref?.split('/').at(-1)
    if (name !== undefined) visit(root.$defs?.[name] ?? {}, path)
    if (path !== '') fields.push({ path, schema })
    for (const [key, each] of Object.entries(schema.properties ?? {})) visit(each, `${path}.${key}`)
    if (schema.items !== undefined) visit(schema.items, `${path}[]`)
    for (const each of schema.anyOf ?? [])
      visit({ ...each, description: each.description ?? schema.description ?? '' }, path)
  }
  visit(root, '')
  return fields
}

/** Returns the table of the fields that count, and that of the fields with a fixed set of values. */
export function statusTables(): string {
  const fields = statusFields()
  const counters = fields.filter(({ schema }) => schema.type === 'integer' && schema.minimum === 0)
  const states = fields.filter(({ schema }) => schema.enum !== undefined)
  const counterRows = counters.map(({ path, schema }) => [`\`${path}\``, schema.description ?? ''])
  const stateRows = states.map(({ path, schema }) => {
    const values = schema.enum?.map((value) => `\`${value}\``).join(', ') ?? ''
    return [`\`${path}\``, values, schema.description ?? '']
  })
  return [table(['counter', ''], counterRows), table(['state', 'values', ''], stateRows)].join('\n\n')
}
