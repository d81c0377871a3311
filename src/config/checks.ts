import { overlappingBinds } from './listeners.ts'
import { isMapping } from './parsed.ts'
import type { Fault } from './problem.ts'
import { formatDuration, parseDuration } from './units.ts'

/**
 * What is wrong between keys that are each right. It looks at the tree and not at the checked values, so that a fault
 * elsewhere does not hide these.
 */
export function checkTogether(tree: Readonly<Record<string, unknown>>): Fault[] {
  const proxy = isMapping(tree['proxy']) ? tree['proxy'] : {}
  return [
    ...checkListenerNames(proxy['listeners']),
    ...overlappingBinds(proxy['listeners']),
    ...checkPace(proxy['check']),
  ]
}

/** The names are columns and identifiers in status, metrics and the admin protocol. */
function checkListenerNames(listeners: unknown): Fault[] {
  const names = isMapping(listeners) ? Object.keys(listeners) : []
  return names
    .filter((name) => !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name))
    .map((name) => ({
      path: ['proxy', 'listeners', name],
      message: 'the name of a listener is made of letters, digits, _, . and -, beginning with a letter or digit',
    }))
}

function checkPace(check: unknown): Fault[] {
  if (!isMapping(check)) return []
  const interval = parseDuration(check['interval'] ?? '2s')
  const fast = parseDuration(check['fast_interval'] ?? '100ms')
  if (!interval.ok || !fast.ok || fast.value <= interval.value || interval.value === 0) return []
  const message = `${formatDuration(fast.value)} is longer than the interval of ${formatDuration(interval.value)}`
  return [{ path: ['proxy', 'check', 'fast_interval'], message }]
}
