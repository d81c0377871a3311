import type { DcsConfig } from '../../../config/config.ts'
import { listOf, mappingOf } from '../../../text/unknown-shape.ts'

/** Returns whether two configurations lead to one etcd, over the same API, as far as their endpoints and SRV records tell. */
export function isSameEtcd(one: DcsConfig, other: DcsConfig): boolean {
  return one.kind === other.kind && placesOf(one).some((place) => placesOf(other).includes(place))
}

function placesOf(dcs: DcsConfig): readonly unknown[] {
  const { endpoints, srv } = mappingOf(dcs)
  const { domain, suffix } = mappingOf(srv)
  return [...listOf(endpoints), ...(typeof domain === 'string' ? [`_etcd-${String(suffix)}.${domain}`] : [])]
}
