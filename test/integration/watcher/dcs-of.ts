import type { ClusterSource, Dcs, DcsTraits } from '../../../src/watcher/dcs/dcs.ts'

/** A source as the watcher takes it. */
export function dcsOf(source: ClusterSource, traits: Partial<DcsTraits> = {}): Dcs {
  const observe: ClusterSource['observe'] = (signal, remembered) => source.observe(signal, remembered)
  return { kind: 'test', leaderFrom: 'lock', absence: null, ...traits, observe }
}
