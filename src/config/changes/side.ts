/** One of two configurations that are compared. Pure. */
import { isMapping, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import type { Config } from '../config.ts'
import type { DcsSection } from '../dcs/kind.ts'
import type { Tree } from '../env.ts'
import { formatBind } from '../proxy/binds.ts'
import { type OurSections, parseOurs } from '../schema.ts'

/** What a configuration was made of: files and environment together, and what came of them. */
export interface Settings {
  readonly tree: Tree
  readonly config: Config
  readonly kinds: readonly DcsSection[]
}

export interface Side extends Settings {
  /** The sections of the router with their defaults, by the keys of the file. */
  readonly ours: OurSections
  /** Listeners by name, the default ones too, each with the cluster that it leads to. */
  readonly listeners: Mapping
}

/** Completes what a configuration was made of; null: its sections cannot be read, so it is none. */
export function sideOf(settings: Settings): Side | null {
  const { tree, config, kinds } = settings
  const written = mappingOf(mappingOf(tree['proxy'])['listeners'])
  // The flat form has one cluster, whatever it is called.
  const isFlat = !isMapping(tree['clusters'])
  const each = config.clusters.flatMap(({ name: cluster, proxy }) =>
    proxy.listeners.map(({ name, binds, route }) => {
      const own = written[name]
      const usual = { bind: binds.map(formatBind), route }
      return [name, { ...(isMapping(own) ? own : usual), cluster: isFlat ? null : cluster }] as const
    }),
  )
  const listeners = Object.fromEntries(each)
  const { value: ours } = parseOurs({ ...tree, proxy: { ...mappingOf(tree['proxy']), listeners } }, kinds)
  return ours === null ? null : { ...settings, ours, listeners }
}

/** Returns whether what is in both lists is in another order. */
export function isReordered(before: readonly string[], after: readonly string[]): boolean {
  const kept = before.filter((name) => after.includes(name))
  const same = after.filter((name) => before.includes(name))
  return kept.some((name, at) => name !== same[at])
}
