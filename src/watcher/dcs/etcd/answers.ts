/** What etcd answers over API v2: nodes and events. Pure. */
import { RouterError } from '../../../errors.ts'
import { asNumber, asObject, asText, listOf, type Mapping, mappingOf, parseJson } from '../../../text/unknown-shape.ts'
import type { ListedKey } from '../listing.ts'

/** An error in the words of the API. */
export interface EtcdError {
  /** `errorCode`; null: it is none of etcd. */
  readonly code: number | null
  readonly message: string
}

/** What an event changes: a key, or all that is below a directory. */
export interface EtcdChange {
  /** The full name of what was written or deleted. */
  readonly key: string
  /** null: deleted, with all below it; a directory is no key, even where there was one. */
  readonly put: ListedKey | 'directory' | null
}

export interface EtcdEvent {
  readonly modified: number
  readonly change: EtcdChange
}

/** Deletions have no value; an expired or deleted directory is one event. */
const DELETIONS = ['delete', 'compareAndDelete', 'expire']

/** Parses the error of an answer. */
export function errorOf(text: string): EtcdError {
  const { errorCode, message, cause } = asObject(parseJson(text)) ?? {}
  const [what, why] = [asText(message), asText(cause)]
  return { code: asNumber(errorCode), message: [what, why].filter((part) => part !== null).join(': ') }
}

/** Parses a recursive list; by full name. @throws RouterError where it is none. */
export function nodesOf(text: string): ReadonlyMap<string, ListedKey> {
  const root = asObject(asObject(parseJson(text))?.['node'])
  if (root === null) throw strange()
  const keys = new Map<string, ListedKey>()
  const pending: Mapping[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const child of listOf(node['nodes'])) pending.push(asObject(child) ?? {})
    const key = asText(node['key'])
    if (key !== null && node['dir'] !== true) keys.set(key, keyOf(node))
  }
  return keys
}

/** Parses a list of one level; by full name. */
export function childrenOf(text: string): { names: readonly string[]; directories: readonly string[] } {
  const nodes = listOf(mappingOf(mappingOf(parseJson(text))['node'])['nodes']).map(mappingOf)
  const named = (isDirectory: boolean): readonly string[] =>
    nodes.flatMap(({ key, dir }) => ((dir === true) === isDirectory ? (asText(key) ?? []) : []))
  return { names: named(false), directories: named(true) }
}

/** Parses an event. @throws RouterError where it is none. */
export function eventOf(text: string): EtcdEvent {
  const event = asObject(parseJson(text))
  const node = asObject(event?.['node'])
  const [action, key, modified] = [asText(event?.['action']), asText(node?.['key']), asNumber(node?.['modifiedIndex'])]
  if (action === null || node === null || key === null || modified === null) throw strange()
  if (DELETIONS.includes(action)) return { modified, change: { key, put: null } }
  return { modified, change: { key, put: node['dir'] === true ? 'directory' : keyOf(node) } }
}

/** Applies a change to keys by full name. */
export function applyChange(
  keys: ReadonlyMap<string, ListedKey>,
  { key, put }: EtcdChange,
): ReadonlyMap<string, ListedKey> {
  const after = new Map(keys)
  if (put !== null && put !== 'directory') return after.set(key, put)
  after.delete(key)
  if (put === 'directory') return after
  // The deletion of a directory, be it one above all of these, is a single event.
  const below = key.endsWith('/') ? key : `${key}/`
  for (const name of keys.keys()) if (name.startsWith(below)) after.delete(name)
  return after
}

function keyOf(node: Mapping): ListedKey {
  const value = node['value']
  return {
    value: typeof value === 'string' ? value : '',
    session: String(asNumber(node['createdIndex']) ?? 0),
    modified: asNumber(node['modifiedIndex']) ?? 0,
  }
}

function strange(): RouterError {
  return new RouterError('DCS_UNAVAILABLE', 'its answer is none of API v2')
}
