/** What differs in the clusters, and in the sections of Patroni, of which no value is shown. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { type Mapping, mappingOf } from '../../text/unknown-shape.ts'
import { type ClusterDraft, clusterDrafts } from '../clusters/clusters.ts'
import type { ClusterConfig } from '../config.ts'
import { dcsNames, kindOf } from '../dcs/kind.ts'
import { shownPath } from '../file/problem.ts'
import { isReordered, type Side } from './side.ts'

/** A cluster as it is written, and what came of it. */
interface Cluster {
  readonly draft: ClusterDraft
  readonly config: ClusterConfig
}

export function clusterSetChanges(before: Side, after: Side): string[] {
  const [old, now] = [clustersOf(before), clustersOf(after)]
  const pairs = pairsOf(old, now)
  const [gone, come] = [
    old.filter((each) => !pairs.some(([was]) => was === each)),
    now.filter((each) => !pairs.some(([, is]) => is === each)),
  ]
  const named = ({ config }: Cluster): string => shownPath(['clusters', config.name])
  const lines = [
    ...gone.map((each) => `${named(each)}: removed`),
    ...come.map((each) => `${named(each)}: added`),
    ...pairs.flatMap(([was, is]) => sectionChanges(was, is, after)),
    ...(isReordered(old.map(named), now.map(named)) ? ['clusters: in another order'] : []),
  ]
  // What clusters have in common is found for each of them.
  return [...new Set(lines)]
}

function clustersOf({ tree, config, kinds }: Side): Cluster[] {
  return clusterDrafts(tree, kinds).flatMap((draft, at) => {
    const made = config.keys[at]
    return made === undefined ? [] : { draft, config: made }
  })
}

/** Returns those that are one cluster: of the same name, or each the only one and without a name. */
function pairsOf(old: readonly Cluster[], now: readonly Cluster[]): (readonly [Cluster, Cluster])[] {
  const [was, is] = [old[0], now[0]]
  if (was !== undefined && is !== undefined && was.draft.name === null && is.draft.name === null) return [[was, is]]
  return now.flatMap((each) => {
    const same = old.find(({ config }) => config.name === each.config.name)
    return same === undefined ? [] : [[same, each] as const]
  })
}

type Key = readonly string[]

/** What each setting of a cluster is made of. */
const KEYS: Readonly<Record<'scope' | 'citusGroup' | 'localMember' | 'restApi', readonly Key[]>> = {
  scope: [['scope']],
  citusGroup: [
    ['citus', 'group'],
    ['citus', 'database'],
  ],
  localMember: [['name'], ['postgresql', 'name']],
  restApi: [
    ...['cacert', 'certfile', 'keyfile', 'keyfile_password', 'insecure'].map((key) => ['ctl', key]),
    ['restapi', 'cafile'],
  ],
}

function sectionChanges(was: Cluster, is: Cluster, { kinds }: Side): string[] {
  const [before, after] = [was.config, is.config]
  const dcs = dcsNames(kinds).map((name) => [name, 'namespace'])
  const keysOf = { ...KEYS, namespace: [['namespace'], ...dcs] }
  const settings = (Object.keys(keysOf) as (keyof typeof keysOf)[]).flatMap((setting) =>
    isDeepStrictEqual(before[setting], after[setting]) ? [] : changed(was, is, keysOf[setting]),
  )
  if (isDeepStrictEqual(before.dcs, after.dcs)) return settings
  const { kind } = after.dcs
  if (before.dcs.kind !== kind) return [...settings, `${placed(is, [kind])}: used instead of ${before.dcs.kind}`]
  const read = Object.keys(kindOf(after.dcs, kinds).form.properties ?? {}).map((key) => [kind, key])
  const beside = ['connect_address', 'listen', 'certfile'].map((key) => ['restapi', key])
  return [...settings, ...changed(was, is, [...read, ...beside], [kind])]
}

/** Returns which of `keys` differ; where none does, that `else` has changed. */
function changed(was: Cluster, is: Cluster, keys: readonly Key[], otherwise = keys[0] ?? []): string[] {
  const lines = keys.flatMap((key) => {
    const [old, now] = [at(was.draft.tree, key), at(is.draft.tree, key)]
    if (isDeepStrictEqual(old, now)) return []
    if (old === null) return [`${placed(is, key)}: added`]
    return [now === null ? `${placed(was, key)}: removed` : `${placed(is, key)}: changed`]
  })
  return lines.length > 0 ? lines : [`${placed(is, otherwise)}: changed`]
}

function at(tree: Mapping, key: Key): unknown {
  return key.reduce<unknown>((section, name) => mappingOf(section)[name], tree) ?? null
}

function placed({ draft }: Cluster, key: Key): string {
  return shownPath(draft.place(key))
}
