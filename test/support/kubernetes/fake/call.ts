import type { Buffer } from 'node:buffer'
import { isMap, textOf, without } from './patch.ts'
import { Refusal, apiVersionOf, refusals, type KubeObject, type Resource } from './objects.ts'
import type { Draft } from './store.ts'

/** One request for objects and what its handlers need of it. */
export interface Call {
  readonly method: string
  readonly resource: Resource
  readonly namespace: string
  /** Empty: all. */
  readonly name: string
  readonly subresource: string | undefined
  readonly params: URLSearchParams
  readonly contentType: string
  readonly body: Buffer
  readonly form: Form
  readonly signal: AbortSignal
}

/** What the client accepts: whole objects, or metadata only. */
export type Form = 'whole' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

export interface Answer {
  readonly status?: number
  readonly json: unknown
}

const JSON_TYPES = ['application/json', 'application/*', '*/*']

/** Returns what an Accept header asks for; its first clause that is JSON counts. @throws {Refusal} 406 */
export function formOf(accept: string): Form {
  if (accept === '') return 'whole'
  for (const clause of accept.split(',')) {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim())
    if (!JSON_TYPES.includes(type)) continue
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3)
    if (as === undefined) return 'whole'
    const isMeta = parameters.includes('g=meta.k8s.io') && parameters.includes('v=v1')
    if (isMeta && (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')) return as
  }
  throw new Refusal({ code: 406, reason: 'NotAcceptable', message: '406: Not Acceptable', details: {} })
}

/** Returns an object as the client accepts it. @throws {Refusal} 406 */
export function shownObject(form: Form, object: KubeObject, { kind }: Resource): unknown {
  if (form === 'whole') return object
  if (form === 'PartialObjectMetadata') return { kind: form, apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
  throw notAcceptable(`you requested ${form}, but the requested object is not a list (*core.${kind})`)
}

/** Returns a list as the client accepts it. @throws {Refusal} 406 */
export function shownList(
  form: Form,
  objects: readonly KubeObject[],
  metadata: Readonly<Record<string, unknown>>,
  resource: Resource,
): unknown {
  if (form === 'PartialObjectMetadata') {
    throw notAcceptable(`you requested ${form}, but the requested object is a list (*core.${resource.kind}List)`)
  }
  if (form === 'whole') {
    // Only a list itself tells its kind.
    const items = objects.map((object) => without(object, 'kind', 'apiVersion'))
    return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items }
  }
  const items = objects.map((object) => shownObject('PartialObjectMetadata', object, resource))
  // An empty one is null, as Go has it.
  return { kind: form, apiVersion: 'meta.k8s.io/v1', metadata, items: items.length === 0 ? null : items }
}

function notAcceptable(message: string): Refusal {
  return new Refusal({ code: 406, reason: 'NotAcceptable', message })
}

/** The version that a request names; 0 for none. @throws {Refusal} as Kubernetes does, with 500. */
export function versionOf(params: URLSearchParams): number {
  const text = params.get('resourceVersion') ?? ''
  if (/^\d*$/.test(text)) return Number(text)
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`
  throw new Refusal({ code: 500, message: `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}` })
}

/** Whether a query has a flag: as Kubernetes reads it, all but `0` and `false`, in any case, say so. */
export function hasFlag(params: URLSearchParams, name: string): boolean {
  const text = params.get(name)
  return text !== null && !['0', 'false'].includes(text.toLowerCase())
}

/** A number of a query, null for none. @throws {Refusal} 400 */
export function numberOf(params: URLSearchParams, name: string): number | null {
  const text = params.get(name) ?? ''
  if (text === '') return null
  if (/^\d+$/.test(text)) return Number(text)
  throw refusals.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/** The object of a request that makes or replaces one. @throws {Refusal} */
export function draftOf({ body, resource, namespace, name }: Call): Draft {
  const draft = json(body, resource)
  const metadata = isMap(draft['metadata']) ? draft['metadata'] : {}
  const named = metadata['name'] ?? ''
  if (name !== '' && named === '') {
    throw refusals.badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  }
  checkNames(metadata, { namespace, name })
  if (named === '') {
    throw refusals.invalid(resource, '', 'metadata.name', 'Required value: name or generateName is required')
  }
  if (typeof named !== 'string' || !NAME.test(named)) {
    const message = `Invalid value: ${JSON.stringify(named)}: ${NAME_RULE}`
    throw refusals.invalid(resource, textOf(named), 'metadata.name', message)
  }
  return { ...draft, metadata }
}

/** @throws {Refusal} when a body names another object than the path. */
export function checkNames(
  metadata: Readonly<Record<string, unknown>>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): void {
  const named = textOf(metadata['name'])
  if (name !== '' && named !== '' && named !== name) {
    throw refusals.badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`)
  }
  if ((metadata['namespace'] ?? namespace) !== namespace) {
    throw refusals.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

function json(body: Buffer, { kind }: Resource): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    const why = `couldn't get version/kind; json parse error`
    throw refusals.badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`)
  }
  return isMap(value) ? value : {}
}
