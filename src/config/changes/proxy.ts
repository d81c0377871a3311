/** What differs in the section `proxy`, and in what clusters have otherwise. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { isMapping, mappingOf } from '../../text/unknown-shape.ts'
import { OURS } from '../schema.ts'
import { below, keyChanges, type Pair, schemaAt, shown } from './keys.ts'
import { isReordered, type Side } from './side.ts'

/** What a cluster can have otherwise than the others. */
const OF_CLUSTERS = ['address', 'trust', 'check'] as const

export function proxyChanges(before: Side, after: Side): string[] {
  const proxy = below(pairOf(before, after), 'proxy')
  const keys = Object.keys(mappingOf(proxy.after.parsed)).filter((key) => key !== 'listeners')
  return [
    ...keys.flatMap((key) =>
      isForAll(key) || isInherited(key, before, after) ? keyChanges(`proxy.${key}`, below(proxy, key)) : [],
    ),
    ...OF_CLUSTERS.flatMap((key) =>
      sharedNames(before, after).flatMap((name) => clusterChanges(key, name, before, after)),
    ),
    ...listenerChanges(before, after),
  ]
}

/** Returns the sections of the router of both. */
export function pairOf(before: Side, after: Side): Pair {
  const at = ({ tree, ours }: Side): Pair['before'] => ({ written: tree, parsed: ours })
  return { before: at(before), after: at(after), schema: OURS }
}

function isForAll(key: string): boolean {
  return !OF_CLUSTERS.some((each) => each === key)
}

function sharedNames(before: Side, after: Side): readonly string[] {
  const names = before.config.clusters.map(({ name }) => name)
  return after.config.clusters.map(({ name }) => name).filter((name) => names.includes(name))
}

/** Returns what a cluster has of its own; null: nothing. */
function own({ ours }: Side, name: string, key: string): unknown {
  const proxy: unknown = ours.clusters?.[name]?.proxy
  return mappingOf(proxy)[key] ?? null
}

/** Returns whether what is at the top counts for a cluster that was there before, or for none that was. */
function isInherited(key: string, before: Side, after: Side): boolean {
  const names = sharedNames(before, after)
  return names.length === 0 || names.some((name) => [before, after].every((side) => own(side, name, key) === null))
}

/** Returns what has changed for a cluster that has, or had, a setting of its own. */
function clusterChanges(key: string, name: string, before: Side, after: Side): string[] {
  const sides = [before, after]
  if (sides.every((side) => own(side, name, key) === null)) return []
  const pair = pairOf(before, after)
  const written = below(below(below(pair, 'clusters'), name), 'proxy')
  const [inCluster, atTop] = [below(written, key), below(below(pair, 'proxy'), key)]
  const effective = (which: 'before' | 'after', side: Side): Pair['before'] =>
    own(side, name, key) === null ? atTop[which] : inCluster[which]
  return keyChanges(`clusters.${name}.proxy.${key}`, {
    before: effective('before', before),
    after: effective('after', after),
    schema: atTop.schema,
  })
}

function listenerChanges(before: Side, after: Side): string[] {
  const schema = schemaAt(below(below(pairOf(before, after), 'proxy'), 'listeners').schema, '')
  const [old, now] = [before, after].map(({ listeners }) => Object.keys(listeners))
  const changed = (name: string): string[] => {
    if (isDeepStrictEqual(configOf(before, name), configOf(after, name))) return []
    const at = ({ listeners, ours }: Side): Pair['before'] => ({
      written: listeners[name],
      parsed: ours.proxy.listeners?.[name],
    })
    return keyChanges(`proxy.listeners.${name}`, { before: at(before), after: at(after), schema })
  }
  return [
    ...(old ?? []).filter((name) => now?.includes(name) === false).map((name) => `proxy.listeners.${name}: removed`),
    ...(now ?? []).flatMap((name) =>
      old?.includes(name) === true ? changed(name) : [`proxy.listeners.${name}: added (${summary(after, name)})`],
    ),
    ...(isReordered(old ?? [], now ?? []) ? ['proxy.listeners: in another order'] : []),
  ]
}

function configOf({ config, listeners }: Side, name: string): unknown {
  const all = config.clusters.flatMap(({ proxy }) => proxy.listeners)
  return [all.find((each) => each.name === name), mappingOf(listeners[name])['cluster']]
}

/** Returns the keys that are written of a new listener. */
function summary({ listeners, config }: Side, name: string): string {
  const entry = listeners[name]
  const isNamed = config.clusters.length > 1
  return Object.entries(isMapping(entry) ? entry : {})
    .filter(([key, value]) => value !== null && (key !== 'cluster' || isNamed))
    .map(([key, value]) => `${key} ${shown(Array.isArray(value) && value.length === 1 ? value[0] : value)}`)
    .join(', ')
}
