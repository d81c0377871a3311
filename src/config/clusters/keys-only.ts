/** Whether a configuration is about no cluster: its templates read keys of etcd, and there is nothing else in it. Pure. */
import { isMapping } from '../values/parsed.ts'

type Section = Readonly<Record<string, unknown>>

export function isKeysOnly(tree: Section): boolean {
  const { scope = null, clusters = null, etcd3 = null, proxy = null, hooks, track, templates } = tree
  if ((scope !== null && scope !== '') || clusters !== null || etcd3 === null || proxy !== null) return false
  const files = isMapping(track) ? track['files'] : null
  const entries = listOf(templates)
  return entries.length > 0 && entries.every(readsKeys) && listOf(hooks).length + listOf(files).length === 0
}

/** One that names a cluster is about it. */
function readsKeys(entry: unknown): boolean {
  if (!isMapping(entry)) return false
  const { keys = null, cluster = null, clusters = null } = entry
  return listOf(keys).length > 0 && cluster === null && clusters === null
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
