/** What a hook is told, as variables of its environment. Pure. */
import { printable } from '../../text/printable.ts'
import type { ClusterView } from '../../watcher/view.ts'
import { type Situation, type Transition } from './queue.ts'

const MAX_LENGTH = 1000

/**
 * The primary's situation in `view`; null while nothing is known of it: a router that has not read the DCS yet and has no
 * proof of anybody says nothing.
 */
export function situationOf({ dcs, primary, members }: ClusterView): Situation | null {
  const { state, member: name, reason } = primary
  if (dcs.state === 'never' && name === null) return null
  const member = members.find((one) => one.name === name)
  return { state, member: name, host: member?.host ?? null, port: member?.port ?? null, reason }
}

/**
 * The variables of `PATRONI_ROUTER_*`; what there is none of is empty. The texts of strangers have no control characters,
 * but can hold blanks, quotes and whatever else a shell takes for its own: they are to be quoted like any variable.
 */
export function hookEnvironment(
  { name, scope, namespace, citusGroup }: Pick<ClusterView, 'name' | 'scope' | 'namespace' | 'citusGroup'>,
  { from, to }: Transition,
): Record<string, string> {
  const variables = {
    CLUSTER: name,
    SCOPE: scope,
    NAMESPACE: namespace,
    CITUS_GROUP: citusGroup,
    STATE: to.state,
    OLD_STATE: from?.state,
    MEMBER: to.member,
    OLD_MEMBER: from?.member,
    HOST: to.host,
    PORT: to.port,
    REASON: to.reason,
  }
  return Object.fromEntries(
    Object.entries(variables).map(([variable, value]) => [
      `PATRONI_ROUTER_${variable}`,
      printable(String(value ?? ''), MAX_LENGTH),
    ]),
  )
}
