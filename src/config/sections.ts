import { suggest, type Fault } from './problem.ts'

/** The sections of the router that this version has. */
const OURS: readonly string[] = ['proxy', 'admin', 'logging', 'state_dir', 'file', 'rest', 'templates', 'hooks']

/** Sections of the design that come later, and what to do until then. */
const LATER: Readonly<Record<string, string>> = {
  track: 'remove it; the state of the router is in patroni-router status',
}

/** The DCS of Patroni besides etcd3. */
export const OTHER_DCS: readonly string[] = ['etcd', 'consul', 'zookeeper', 'exhibitor', 'kubernetes', 'raft']

/** What Patroni's file can have at the top: patroni/validator.py `schema`, docs/yaml_configuration.rst. */
const PATRONI: readonly string[] = [
  ...['scope', 'namespace', 'name', 'citus', 'ctl', 'restapi', 'etcd3', ...OTHER_DCS],
  ...['log', 'bootstrap', 'postgresql', 'watchdog', 'tags', 'thread_pool_size', 'thread_stack_size'],
]

/** Dynamic settings: Patroni merges those of the file under those of the DCS (docs/dynamic_configuration.rst). */
export const DYNAMIC: readonly string[] = [
  ...['ttl', 'loop_wait', 'retry_timeout', 'maximum_lag_on_failover', 'maximum_lag_on_syncnode', 'check_timeline'],
  ...['max_timelines_history', 'primary_start_timeout', 'primary_stop_timeout', 'master_start_timeout'],
  ...['master_stop_timeout', 'primary_race_backoff', 'synchronous_mode', 'synchronous_mode_strict', 'pause'],
  ...['synchronous_node_count', 'failsafe_mode', 'standby_cluster', 'member_slots_ttl', 'slots', 'ignore_slots'],
]

/** Top-level keys that are neither Patroni's nor the router's, and those that this version cannot do yet. */
export function checkSections(tree: Readonly<Record<string, unknown>>): Fault[] {
  const faults: Fault[] = []
  for (const [key, value] of Object.entries(tree)) {
    const advice = Object.hasOwn(LATER, key) ? LATER[key] : undefined
    if (advice !== undefined) {
      if (value !== null) faults.push({ path: [key], message: `not available in this version: ${advice}` })
    } else if (![...OURS, ...PATRONI, ...DYNAMIC].includes(key)) {
      const hint = suggest(key, [...OURS, ...PATRONI])
      const also = hint.startsWith('did you mean') ? hint : `the sections of patroni-router are ${OURS.join(', ')}`
      faults.push({ path: [key], message: `neither a section of Patroni nor of patroni-router; ${also}` })
    }
  }
  return faults
}

export function isOurs(section: string): boolean {
  return OURS.includes(section)
}
