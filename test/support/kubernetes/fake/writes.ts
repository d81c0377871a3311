import { checkNames, draftOf, shownList, shownObject, type Answer, type Call } from './call.ts'
import { detailsOf, Refusal, refusals } from './objects.ts'
import { isMap, merged, textOf, without } from './patch.ts'
import { selectorOf } from './selectors.ts'
import type { Draft, Store } from './store.ts'
import { validated } from './validate.ts'

const PATCHES = ['application/merge-patch+json', 'application/strategic-merge-patch+json']

/** Answers a POST. @throws {Refusal} */
export function create(store: Store, call: Call): Answer {
  const { resource, namespace, form } = call
  const draft = draftOf(call)
  if ((draft.metadata?.['resourceVersion'] ?? '') !== '') {
    throw new Refusal({ code: 500, message: 'resourceVersion should not be set on objects to be created' })
  }
  return { status: 201, json: shownObject(form, made(store, call, draft, namespace), resource) }
}

/** Answers a PUT, which makes some kinds of object where they are not there. @throws {Refusal} */
export function replace(store: Store, call: Call): Answer {
  const { resource, namespace, name, form } = call
  const draft = draftOf(call)
  const previous = store.get(resource, namespace, name)
  if (previous === undefined && resource.putCreates === true) {
    return { status: 201, json: shownObject(form, made(store, call, draft, namespace), resource) }
  }
  if (previous === undefined) throw refusals.notFound(resource, name)
  const object = store.replace(resource, previous, validated(resource, name, draft))
  return { json: shownObject(form, object, resource) }
}

function made(store: Store, { resource }: Call, draft: Draft, namespace: string) {
  const name = textOf(draft.metadata?.['name'])
  const status = resource.name === 'pods' ? { status: { phase: 'Pending', qosClass: 'BestEffort' } } : {}
  return store.create(resource, namespace, { ...validated(resource, name, without(draft, 'status')), ...status })
}

/** Answers a PATCH. The status of a Pod is a resource of its own. @throws {Refusal} */
export function patch(store: Store, call: Call): Answer {
  const { resource, namespace, name, form, contentType, subresource } = call
  if (!PATCHES.includes(contentType)) {
    throw new Refusal({
      ...{ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} },
    })
  }
  const change = json(call)
  const previous = store.require(resource, namespace, name)
  const metadata = isMap(change['metadata']) ? change['metadata'] : {}
  checkNames(metadata, { namespace, name })
  const { status, ...rest } = change
  const part = subresource === 'status' ? { metadata, status } : resource.name === 'pods' ? rest : change
  // Only a patch that names a version depends on it.
  const known = without(previous.metadata, 'resourceVersion')
  const next = merged({ ...previous, metadata: known }, part) as Draft
  return { json: shownObject(form, store.replace(resource, previous, validated(resource, name, next)), resource) }
}

/** Answers a DELETE: a Pod, which would end by and by, is answered as it was last. @throws {Refusal} */
export function remove(store: Store, { resource, namespace, name, form }: Call): Answer {
  const previous = store.require(resource, namespace, name)
  if (resource.name !== 'pods') {
    store.delete(resource, previous)
    if (resource.name === 'serviceaccounts') return { json: shownObject(form, previous, resource) }
    const details = { ...detailsOf(resource, name), uid: previous.metadata.uid }
    return { json: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } }
  }
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const ending = { ...previous.metadata, deletionTimestamp: now, deletionGracePeriodSeconds: 0 }
  const last = store.replace(resource, previous, { ...previous, metadata: ending })
  store.delete(resource, last)
  return { json: shownObject(form, last, resource) }
}

/** Answers a DELETE of all that fits: what was there. @throws {Refusal} */
export function removeAll(store: Store, call: Call): Answer {
  const { resource, namespace, form, params } = call
  const version = String(store.version)
  const objects = store.list(resource.name, namespace).filter(selectorOf(params))
  for (const { metadata } of objects) remove(store, { ...call, name: metadata.name, form: 'whole' })
  return { json: shownList(form, objects, { resourceVersion: version }, resource) }
}

function json({ body }: Call): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return isMap(value) ? value : {}
  } catch {
    throw new Refusal({ code: 500, message: 'Invalid JSON Patch' })
  }
}
