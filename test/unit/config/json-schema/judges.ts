/** What the JSON Schema and `check` say of a configuration file, and the keys that there are. */
import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { configurationSchema, ourForms, patroniForms, propertiesOf } from '../../../../src/config/json-schema.ts'
import { parseYaml } from '../../../../src/config/file/yaml.ts'
import type { Form } from '../../../../src/config/values/form.ts'
import { DCS_KINDS } from '../../../../src/watcher/dcs/kinds.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

const ajv = new Ajv({ allErrors: true, strictTypes: false, strictTuples: false, keywords: ['patternErrorMessage'] })
const validate = ajv.compile(configurationSchema(DCS_KINDS))

/** Returns what the schema has against a file; empty: nothing. */
export function rejection(text: string): string {
  const yaml = parseYaml(text)
  assert.ok(yaml.ok, text)
  return validate(yaml.value) ? '' : ajv.errorsText(validate.errors)
}

/** Returns what `check` has against it, each problem as `key: message`. */
export function problemsOf(text: string): readonly string[] {
  const loaded = loadConfig({ file: 'c.yml', text, env: {} })
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`)
}

export interface Key {
  /** `proxy.listeners.one.bind`, `templates.0.source`. */
  readonly path: readonly string[]
  readonly form: Form
  readonly isRequired: boolean
}

/** Every key that is described, wherever it can be written. */
export const KEYS: readonly Key[] = keysIn({ ...patroniForms(DCS_KINDS), ...ourForms(DCS_KINDS) })

function keysIn(
  forms: Readonly<Record<string, Form>>,
  above: readonly string[] = [],
  required: readonly string[] = [],
): Key[] {
  return Object.entries(forms).flatMap(([key, form]) => {
    const path = [...above, key]
    const below = (inner: Form['items'] | Form['additionalProperties'], name: string): Key[] =>
      typeof inner === 'object' && !Array.isArray(inner)
        ? keysIn(propertiesOf(inner), [...path, name], inner.required)
        : []
    return [
      { path, form, isRequired: required.includes(key) },
      ...keysIn(propertiesOf(form), path, form.required),
      ...below(form.items, '0'),
      ...below(form.additionalProperties, 'one'),
    ]
  })
}

type Tree = Readonly<Record<string, unknown>>

/** Returns a tree with another value at a path; without `value` the key is taken out. */
export function withValue(tree: unknown, [key, ...below]: readonly string[], ...value: readonly unknown[]): unknown {
  if (key === undefined) return value[0]
  if (Array.isArray(tree))
    return tree.map((item: unknown, at) => (at === Number(key) ? withValue(item, below, ...value) : item))
  const { [key]: old, ...rest } = (tree ?? {}) as Tree
  if (below.length === 0 && value.length === 0) return rest
  return { ...rest, [key]: withValue(old, below, ...value) }
}
