/** The configuration as JSON Schema, for editors, documents and tests: a running router does not load it. Pure. */
import { z } from 'zod'
import { OTHERS } from './clusters/clusters.ts'
import { SCHEMA_URL } from './defaults.ts'
import { dcsNames, type DcsSection, ownNames, patroniKinds } from './dcs/kind.ts'
import { PATRONI } from './patroni.ts'
import { OURS } from './schema.ts'
import { allSections, ANCHORS } from './sections.ts'
import type { Form } from './values/form.ts'
import { PLAIN_NAME_FORM } from './values/types.ts'

type Forms = Readonly<Record<string, Form>>

const UNREAD: Form = { description: "Patroni's own: accepted, and not used here." }

/** Returns the sections of Patroni, and those that say where a cluster is observed, with the keys that are read. */
export function patroniForms(kinds: readonly DcsSection[]): Forms {
  return { ...formsOf(PATRONI), ...Object.fromEntries(kinds.map(({ name, form }) => [name, form])) }
}

/** Returns the sections of the router. */
export function ourForms(kinds: readonly DcsSection[]): Forms {
  const { clusters = {}, ...ours } = formsOf(OURS)
  const read = patroniForms(kinds)
  const { proxy = {} } = propertiesOf(clusters.additionalProperties)
  const own = OTHERS.map((name) => [name, read[name] ?? {}] as const)
  const dcs = dcsNames(kinds).map((name) => [name, outline(read[name] ?? UNREAD)] as const)
  const cluster: Form = {
    type: ['object', 'null'],
    description: 'One cluster, under the name that listeners, templates, hooks and track files refer to.',
    properties: { ...Object.fromEntries([...own, ...dcs]), proxy },
    additionalProperties: false,
    allOf: [{ properties: { scope: { minLength: 1 } } }, ...observed(kinds)],
  }
  const propertyNames: Form = { ...PLAIN_NAME_FORM, not: { pattern: '^\\d+$' } }
  return { ...ours, clusters: { ...clusters, propertyNames, minProperties: 1, additionalProperties: cluster } }
}

/**
 * Returns the JSON Schema of a file, of Patroni or of the router. It requires no key that another file or the
 * environment can add, and accepts anything where nothing is read.
 */
export function configurationSchema(kinds: readonly DcsSection[]): Form {
  const read = patroniForms(kinds)
  const outlines = Object.entries(read).map(([name, form]) => [name, outline(form)] as const)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: SCHEMA_URL,
    title: 'Configuration of patroni-router',
    description: 'A patroni.yml is one, too.',
    type: ['object', 'null'],
    properties: {
      ...Object.fromEntries(allSections(kinds).map((name) => [name, UNREAD])),
      ...Object.fromEntries(outlines),
      ...ourForms(kinds),
    },
    patternProperties: { [ANCHORS.source]: true },
    additionalProperties: false,
    allOf: [
      { if: { properties: { clusters: { type: 'null' } } }, then: checked('postgresql') },
      ...OTHERS.map((name): Form => ({ if: inEveryCluster([name]), else: checked(name) })),
      { if: inEveryCluster(dcsNames(kinds)), else: { allOf: observed(kinds) } },
    ],
    definitions: read,
  }
}

/** Returns the text of docs/configuration.schema.json. */
export function publishedConfigurationSchema(kinds: readonly DcsSection[]): string {
  return `${JSON.stringify(configurationSchema(kinds), null, 2)}\n`
}

/** Returns the forms of the keys of a schema. */
function formsOf(schema: z.ZodObject): Forms {
  const whole = z.toJSONSchema(schema, {
    ...{ io: 'input', target: 'draft-07' },
    // The library leaves out the default of what is parsed further.
    override: ({ zodSchema, jsonSchema }) => {
      const written = z.globalRegistry.get(zodSchema)?.['default']
      if (written !== undefined) jsonSchema.default = written
    },
  })
  return propertiesOf(tidied(whole))
}

/** Puts what may be null into one form, and requires no key that may be. */
function tidied(form: Form): Form {
  const { anyOf = [], ...around } = form
  const [first, second, third] = anyOf
  if (first !== undefined && second?.type === 'null' && third === undefined)
    return tidied({ ...first, ...around, type: typesOf(first, { type: 'null' }) })
  const { properties, items, additionalProperties, required = [] } = form
  const below = Object.fromEntries(Object.entries(propertiesOf(form)).map(([key, each]) => [key, tidied(each)]))
  const needed = required.filter((key) => !typesOf(below[key] ?? {}).includes('null'))
  return {
    ...form,
    ...(properties === undefined ? {} : { properties: below, required: needed }),
    ...(typeof items === 'object' && !Array.isArray(items) ? { items: tidied(items) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: tidied(additionalProperties) } : {}),
  }
}

function typesOf(...forms: readonly Form[]): NonNullable<Form['type']> {
  return forms.flatMap(({ type }) => type ?? [])
}

/** Returns the keys of a mapping. */
export function propertiesOf(form: Form | boolean | undefined): Forms {
  if (typeof form !== 'object') return {}
  return Object.fromEntries(
    Object.entries(form.properties ?? {}).map(([key, below]) => [key, typeof below === 'object' ? below : {}]),
  )
}

/** Returns the descriptions in a section without its constraints, for a place where not each value is read. */
function outline(form: Form): Form {
  const { description, default: written, properties } = form
  const below = Object.entries(propertiesOf(form)).map(([key, each]) => [key, outline(each)] as const)
  return {
    ...(description === undefined ? {} : { description }),
    ...(written === undefined ? {} : { default: written }),
    ...(properties === undefined ? {} : { properties: Object.fromEntries(below) }),
  }
}

function checked(name: string): Form {
  return { properties: { [name]: { $ref: `#/definitions/${name}` } } }
}

/**
 * Returns the forms of the sections of a DCS: of Patroni's the first that is there counts. Beside one of the router's own
 * only the namespace is read of it.
 */
function observed(kinds: readonly DcsSection[]): Form[] {
  const own = ownNames(kinds)
  const patronis = patroniKinds(kinds).map(({ name }) => name)
  const namespace: Form = { properties: { namespace: { type: ['string', 'null'] } } }
  return [
    ...own.map(checked),
    ...patronis.map((name, at): Form => {
      const form = { if: { anyOf: own.map(isThere) }, then: { properties: { [name]: namespace } }, else: checked(name) }
      return at === 0 ? form : { if: { anyOf: patronis.slice(0, at).map(isThere) }, else: form }
    }),
  ]
}

function isThere(name: string): Form {
  return { required: [name], properties: { [name]: { not: { type: 'null' } } } }
}

/** Returns the form of a file in which each cluster has one of these sections itself, so that the one at the top is not read. */
function inEveryCluster(names: readonly string[]): Form {
  const cluster: Form = { type: 'object', anyOf: names.map(isThere) }
  return { required: ['clusters'], properties: { clusters: { type: 'object', additionalProperties: cluster } } }
}
