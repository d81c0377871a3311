/** Which keys of a section of the router mean something else than before, as lines for people. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { isMapping, mappingOf } from '../../text/unknown-shape.ts'

/** What is written at a place of the configuration, and what it means with the defaults of its schema. */
export interface Place {
  readonly written: unknown
  readonly parsed: unknown
}

/** Two configurations of a place. */
export interface Pair {
  readonly before: Place
  readonly after: Place
  readonly schema: z.core.$ZodType | null
}

/** Commands, and what they are given: both may hold a password. */
const HIDDEN: ReadonlySet<string> = new Set(['check', 'reload', 'command', 'env'])

/**
 * Returns a line for each key below `path` whose meaning differs: `1s` and `1000ms` are one, and so are a default and no
 * value. Values of commands and of their environment are not shown. `key`: the last one of `path`.
 */
export function keyChanges(path: string, pair: Pair, key = ''): string[] {
  const { before, after } = pair
  if (isMapping(before.parsed) && isMapping(after.parsed) && key !== 'env') {
    const keys = new Set([...Object.keys(before.parsed), ...Object.keys(after.parsed)])
    return [...keys].flatMap((each) => keyChanges(`${path}.${each}`, below(pair, each), each))
  }
  if (isDeepStrictEqual(before.parsed, after.parsed)) return []
  if (HIDDEN.has(key)) return [`${path}: changed`]
  const [old, now] = [before, after].map((place) => textOf(key, place, pair.schema))
  // What differs may be beyond what is shown.
  return [old === now ? `${path}: changed` : `${path}: ${old ?? ''} -> ${now ?? ''}`]
}

/** Returns the same pair at a key below. */
export function below({ before, after, schema }: Pair, key: string): Pair {
  const at = ({ written, parsed }: Place): Place => ({
    written: mappingOf(written)[key],
    parsed: mappingOf(parsed)[key],
  })
  return { before: at(before), after: at(after), schema: schemaAt(schema, key) }
}

/** Returns the schema of a key, of a name or of an entry of a list; null: it has none. */
export function schemaAt(schema: z.core.$ZodType | null, key: string): z.core.$ZodType | null {
  const inner = schema === null ? null : unwrapped(schema)
  if (inner instanceof z.ZodObject) return (inner.shape as Record<string, z.core.$ZodType>)[key] ?? null
  if (inner instanceof z.ZodRecord) return inner.valueType
  return inner instanceof z.ZodArray ? inner.element : null
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return unwrapped(schema.out)
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? unwrapped(schema.unwrap()) : schema
}

function textOf(key: string, { written, parsed }: Place, schema: z.core.$ZodType | null): string {
  if (written === undefined || written === null) {
    const usual = schema === null ? undefined : z.globalRegistry.get(schema)?.['default']
    return usual === undefined || isMapping(usual) ? 'not set' : `${shown(usual)} (default)`
  }
  // Digits without quotes are octal: the number would be shown in decimal.
  return key === 'mode' && typeof parsed === 'number' ? `0${parsed.toString(8)}` : shown(written)
}

const MAX_LENGTH = 100

/** Returns a value as one would write it, in one line. Not for a section that can hold secrets. */
export function shown(value: unknown): string {
  const text = flow(value)
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (isMapping(value))
    return `{${Object.entries(value)
      .map(([key, each]) => `${key}: ${flow(each)}`)
      .join(', ')}}`
  if (value === '') return "''"
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'nothing'
}
