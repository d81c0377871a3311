import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import { numberOf, shownList, shownObject, versionOf, type Answer, type Call } from './call.ts'
import { Refusal, refusals, type KubeObject } from './objects.ts'
import { selectorOf } from './selectors.ts'
import type { Store } from './store.ts'

/** How long a read waits for a version of the future. */
const FUTURE_MS = 3_000
const TOO_OLD = 'The resourceVersion for the provided list is too old.'
const TOO_OLD_CONTINUE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

/** Answers a GET of one object. @throws {Refusal} */
export async function get(store: Store, call: Call): Promise<Answer> {
  await reached(store, call, versionOf(call.params))
  const { resource, namespace, name, form } = call
  return { json: shownObject(form, store.require(resource, namespace, name), resource) }
}

/** Answers a GET of all objects that fit, as of now or of the version that is asked for. @throws {Refusal} */
export async function list(store: Store, call: Call): Promise<Answer> {
  const { params, resource, namespace, form } = call
  const selects = selectorOf(params)
  const asked = versionOf(params)
  const limit = numberOf(params, 'limit') ?? 0
  const token = params.get('continue') ?? ''
  const match = params.get('resourceVersionMatch') ?? ''
  if (match !== '' && asked === 0) throw matchWithoutVersion()
  if (token !== '' && asked !== 0) {
    throw refusals.badRequest('specifying resource version is not allowed when using continue')
  }
  if (token !== '') {
    const { version, start } = begun(store, token)
    return page(call, store.list(resource.name, namespace, version).filter(selects), { version, start, limit })
  }
  const isExact = match === 'Exact' || (asked > 0 && limit > 0 && match === '')
  if (isExact) {
    if (asked < store.compacted) throw refusals.expired(TOO_OLD)
    if (asked > store.version) {
      throw new Refusal({ code: 500, message: 'etcdserver: mvcc: required revision is a future revision' })
    }
    return page(call, store.list(resource.name, namespace, asked).filter(selects), { version: asked, start: '', limit })
  }
  await reached(store, call, asked)
  const fromCache = params.get('resourceVersion') !== null && params.get('resourceVersion') !== ''
  const version = fromCache ? store.cached(resource.name) : store.version
  const objects = store.list(resource.name, namespace).filter(selects)
  // The cache has no pages.
  if (fromCache) return { json: shownList(form, objects, { resourceVersion: String(version) }, resource) }
  return page(call, objects, { version, start: '', limit })
}

/** Waits for a version, which the cache of the resource has to reach. @throws {Refusal} 504 when it does not. */
async function reached(store: Store, { resource, signal }: Call, version: number): Promise<void> {
  const deadline = performance.now() + FUTURE_MS
  while (version > store.cached(resource.name)) {
    if (performance.now() > deadline) throw refusals.future(version, store.cached(resource.name))
    await sleep(20, undefined, { signal })
  }
}

interface Page {
  readonly version: number
  /** The name that it begins with, or what follows it. */
  readonly start: string
  /** 0: none. */
  readonly limit: number
}

function page(
  { form, resource, params }: Call,
  objects: readonly KubeObject[],
  { version, start, limit }: Page,
): Answer {
  const rest = objects.filter(({ metadata }) => metadata.name >= start)
  const shown = limit === 0 ? rest : rest.slice(0, limit)
  const left = rest.length - shown.length
  const last = shown.at(-1)?.metadata.name ?? ''
  const hasSelector = params.has('labelSelector') || params.has('fieldSelector')
  const metadata = {
    resourceVersion: String(version),
    ...(left === 0 ? {} : { continue: tokenOf(version, `${last}\0`) }),
    ...(left === 0 || hasSelector ? {} : { remainingItemCount: left }),
  }
  return { json: shownList(form, shown, metadata, resource) }
}

function tokenOf(version: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start })).toString('base64url')
}

/** @throws {Refusal} 400 for what is no token, 410 with another one when its version is gone. */
function begun(store: Store, token: string): { version: number; start: string } {
  let parsed: { readonly rv?: unknown; readonly start?: unknown }
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString()) as typeof parsed
  } catch {
    throw refusals.badRequest('invalid continue token: continue key is not valid')
  }
  const [version, start] = [Number(parsed.rv), String(parsed.start)]
  if (version === -1) return { version: store.version, start }
  if (version < store.compacted) throw refusals.expired(TOO_OLD_CONTINUE, { continue: tokenOf(-1, start) })
  return { version, start }
}

function matchWithoutVersion(): Refusal {
  const [field, why] = [
    'resourceVersionMatch',
    'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ]
  return new Refusal({
    ...{ code: 422, reason: 'Invalid', message: `ListOptions.meta.k8s.io "" is invalid: ${field}: ${why}` },
    details: {
      ...{ group: 'meta.k8s.io', kind: 'ListOptions' },
      causes: [{ reason: 'FieldValueForbidden', message: why, field }],
    },
  })
}
