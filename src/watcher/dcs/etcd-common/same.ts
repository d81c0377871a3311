import type { DcsConfig } from '../../../config/config.ts'
import { listOf, mappingOf } from '../../../text/unknown-shape.ts'

/** Returns whether two configurations lead to one etcd, over the same API, as far as their endpoints tell. */
export function isSameEtcd(one: DcsConfig, other: DcsConfig): boolean {
  const endpoints = listOf(mappingOf(other)['endpoints'])
  return one.kind === other.kind && listOf(mappingOf(one)['endpoints']).some((endpoint) => endpoints.includes(endpoint))
}
