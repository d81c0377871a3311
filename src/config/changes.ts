/** What differs between two configurations, in the words of the file. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { clusterSetChanges } from './changes/clusters.ts'
import { below, keyChanges } from './changes/keys.ts'
import { entryChanges, listChanges } from './changes/lists.ts'
import { pairOf, proxyChanges } from './changes/proxy.ts'
import { type Settings, type Side, sideOf } from './changes/side.ts'
import type { Config } from './config.ts'

export type { Settings } from './changes/side.ts'

/**
 * Returns what differs, a line for each key: `proxy.check.interval: 1s -> 2s`. Empty where both mean the same, however it
 * is written. No line shows a value of a section of Patroni, nor of a command or its environment.
 */
export function changesBetween(before: Settings, after: Settings): readonly string[] {
  if (isSameConfig(before.config, after.config)) return []
  const [old, now] = [sideOf(before), sideOf(after)]
  const lines = old === null || now === null ? [] : linesOf(old, now)
  return lines.length > 0 ? lines : ['configuration: changed']
}

/** Returns whether a router would do the same with both. */
export function isSameConfig(before: Config, after: Config): boolean {
  return isDeepStrictEqual({ ...before, file: null }, { ...after, file: null })
}

function linesOf(before: Side, after: Side): readonly string[] {
  const all = pairOf(before, after)
  const lines = [
    ...clusterSetChanges(before, after),
    ...proxyChanges(before, after),
    ...['admin', 'logging', 'state_dir'].flatMap((section) => keyChanges(section, below(all, section))),
    ...listChanges(before, after),
  ]
  // Such as a directory that relative paths start in.
  return lines.length > 0 ? lines : entryChanges(before, after)
}
