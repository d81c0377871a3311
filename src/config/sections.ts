import { dcsNames, type DcsSection, ownNames } from './dcs/kind.ts'
import { isMapping } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'
import { suggest } from '../text/suggestion.ts'

/** Returns the sections of the router that this version has. */
function ours(kinds: readonly DcsSection[]): readonly string[] {
  return ['proxy', 'admin', 'logging', 'state_dir', ...ownNames(kinds), 'templates', 'hooks', 'track', 'clusters']
}

/** What Patroni's file can have at the top besides a DCS: patroni/validator.py `schema`, docs/yaml_configuration.rst. */
const PATRONI: readonly string[] = [
  ...['scope', 'namespace', 'name', 'citus', 'ctl', 'restapi'],
  ...['log', 'bootstrap', 'postgresql', 'watchdog', 'tags', 'thread_pool_size', 'thread_stack_size'],
]

/** Dynamic settings: Patroni merges those of the file under those of the DCS (docs/dynamic_configuration.rst). */
export const DYNAMIC: readonly string[] = [
  ...['ttl', 'loop_wait', 'retry_timeout', 'maximum_lag_on_failover', 'maximum_lag_on_syncnode', 'check_timeline'],
  ...['max_timelines_history', 'primary_start_timeout', 'primary_stop_timeout', 'master_start_timeout'],
  ...['master_stop_timeout', 'primary_race_backoff', 'synchronous_mode', 'synchronous_mode_strict', 'pause'],
  ...['synchronous_node_count', 'failsafe_mode', 'standby_cluster', 'member_slots_ttl', 'slots', 'ignore_slots'],
]

/** Where anchors are kept (`x-peers: &peers`, as in Compose): Patroni, too, reads past it. */
export const ANCHORS = /^(?:x-|\.)/

/** Returns all that a file can have at the top. */
export function allSections(kinds: readonly DcsSection[]): readonly string[] {
  return [...ours(kinds), ...PATRONI, ...dcsNames(kinds), ...DYNAMIC]
}

/** Returns top-level keys that are neither Patroni's nor the router's. */
export function checkSections(tree: Readonly<Record<string, unknown>>, kinds: readonly DcsSection[]): Fault[] {
  const known = allSections(kinds)
  const strange = Object.keys(tree).filter((key) => !known.includes(key) && !ANCHORS.test(key))
  return strange.map((key) => {
    const hint = suggest(key, known)
    const also = hint.startsWith('did you mean') ? hint : `the sections of patroni-router are ${ours(kinds).join(', ')}`
    return { path: [key], message: `neither a section of Patroni nor of patroni-router; ${also}` }
  })
}

/**
 * Returns how much of a path may be shown; null: all of it, as it is in a section of the router. Deep inside Patroni's
 * sections keys are data, such as the schemes of zookeeper.auth_data.
 */
export function patroniDepth(
  [section = '', , below = '']: readonly string[],
  kinds: readonly DcsSection[],
): number | null {
  const names = ours(kinds)
  if (!names.includes(section)) return 2
  return section !== 'clusters' || below === '' || names.includes(below) ? null : 4
}

/** Returns what `look` finds in the file, and in each entry of its `clusters`, which may have the same sections. */
export function inFileAndClusters(
  tree: Readonly<Record<string, unknown>>,
  look: (tree: Readonly<Record<string, unknown>>, above: readonly string[]) => Fault[],
): Fault[] {
  const { clusters = null } = tree
  const entries = isMapping(clusters) ? Object.entries(clusters) : []
  return [
    ...look(tree, []),
    ...entries.flatMap(([name, entry]) => (isMapping(entry) ? look(entry, ['clusters', name]) : [])),
  ]
}
