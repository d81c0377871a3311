/** What the API server answers: lists of objects and events of a watch, of which only names, labels and annotations count. Pure. */
import { RouterError } from '../../../errors.ts'
import { asNumber, asObject, asText, type Mapping, mappingOf, parseJson } from '../../../text/unknown-shape.ts'

export interface KubeObject {
  readonly name: string
  /** Its `resourceVersion`; 0: of a form that has no order. */
  readonly version: number
  /** Only Patroni's. */
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** A list, or one page of it. */
export interface ObjectList {
  readonly version: number
  readonly objects: readonly KubeObject[]
  /** What continues it; null: this is all. */
  readonly next: string | null
}

export type WatchEvent =
  | { readonly type: 'set' | 'deleted'; readonly object: KubeObject }
  /** Nothing, up to a version. */
  | { readonly type: 'bookmark'; readonly version: number }
  /** The watch cannot continue from where it is. */
  | { readonly type: 'error'; readonly code: number | null; readonly message: string }

/** What Patroni 2.1 to 4.1 writes: more of an object is not kept. */
const ANNOTATIONS: readonly string[] = [
  ...['leader', 'acquireTime', 'ttl', 'renewTime', 'transitions', 'optime', 'failsafe', 'config', 'history'],
  ...['initialize', 'member', 'scheduled_at', 'sync_standby', 'quorum', 'status'],
]

/** Metadata only: what is beside it can be a hundred times as large. A server that cannot do that sends whole objects. */
export const ACCEPT = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
} as const

/** Parses a list. @throws RouterError where it is none. */
export function parseList(text: string, labels: readonly string[]): ObjectList {
  const { metadata, items } = asObject(parseJson(text)) ?? {}
  const meta = asObject(metadata)
  // A list without items is null in Go.
  if (meta === null || !(Array.isArray(items) || items === null)) throw strange()
  const objects = (items ?? []).flatMap((item: unknown) => objectOf(item, labels) ?? [])
  return { version: versionOf(meta), objects, next: asText(meta['continue']) }
}

/** Parses a line of a watch. @throws RouterError where it is none. */
export function parseEvent(line: string, labels: readonly string[]): WatchEvent {
  const { type, object } = asObject(parseJson(line)) ?? {}
  const value = asObject(object)
  if (value === null) throw strange()
  if (type === 'ERROR') {
    const { code, message, reason } = value
    return { type: 'error', code: asNumber(code), message: asText(message) ?? asText(reason) ?? '' }
  }
  if (type === 'BOOKMARK') return { type: 'bookmark', version: versionOf(mappingOf(value['metadata'])) }
  const parsed = objectOf(value, labels)
  if (parsed === null) throw strange()
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'set', object: parsed }
  if (type === 'DELETED') return { type: 'deleted', object: parsed }
  throw strange()
}

/** Parses the `Status` in which the API server gives a reason. */
export function statusOf(text: string): {
  readonly isStatus: boolean
  readonly message: string
  readonly reason: string
} {
  const { kind, message, reason } = asObject(parseJson(text)) ?? {}
  return { isStatus: kind === 'Status', message: asText(message) ?? '', reason: asText(reason) ?? '' }
}

function objectOf(value: unknown, labels: readonly string[]): KubeObject | null {
  const meta = asObject(asObject(value)?.['metadata'])
  const name = asText(meta?.['name'])
  if (meta === null || name === null) return null
  return {
    name,
    version: versionOf(meta),
    annotations: textsOf(meta['annotations'], ANNOTATIONS),
    labels: textsOf(meta['labels'], labels),
  }
}

function textsOf(value: unknown, keys: readonly string[]): Readonly<Record<string, string>> {
  const all = mappingOf(value)
  return Object.fromEntries(
    keys.flatMap((key) => {
      const text = Object.hasOwn(all, key) ? all[key] : undefined
      return typeof text === 'string' ? [[key, text.toWellFormed()] as const] : []
    }),
  )
}

function versionOf({ resourceVersion }: Mapping): number {
  return typeof resourceVersion === 'string' && /^\d{1,16}$/.test(resourceVersion) ? Number(resourceVersion) : 0
}

function strange(): RouterError {
  return new RouterError('DCS_UNAVAILABLE', 'its answer is none of the API of Kubernetes')
}
