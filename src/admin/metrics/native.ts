/** All families of the router's own, in the order in which they are rendered. */
import { CLUSTER_FAMILIES } from './cluster-families.ts'
import type { Family } from './family.ts'
import { LISTENER_FAMILIES } from './listener-families.ts'
import { PROCESS_FAMILIES, ROUTER_FAMILIES } from './router-families.ts'
import { TEMPLATE_FAMILIES } from './template-families.ts'

export const NATIVE_FAMILIES: readonly Family[] = [
  ...ROUTER_FAMILIES,
  ...CLUSTER_FAMILIES,
  ...LISTENER_FAMILIES,
  ...TEMPLATE_FAMILIES,
  ...PROCESS_FAMILIES,
]
