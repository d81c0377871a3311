import { objectsPath } from '../../test/support/kubernetes/client.ts'
import { KubernetesDcs } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import { labelsOf, parseKey, selectorQuery } from '../../test/support/kubernetes/patroni-objects.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'

/** Counts the events of a bare watch. */
export interface EventCount {
  readonly count: () => number
  readonly close: () => Promise<void>
}

/** Counts what a DCS shows of the keys that start with `prefix`: in Kubernetes of its objects, the renewals of the lease among them. */
export async function countEvents(dcs: PatroniDcs, prefix: string): Promise<EventCount> {
  if (!(dcs instanceof KubernetesDcs)) {
    const log = await dcs.watch(prefix)
    return { count: () => log.events.length, close: () => log.close() }
  }
  const place = parseKey(prefix)
  const query = selectorQuery(labelsOf(place))
  const resources = ['pods', dcs.useEndpoints ? 'endpoints' : 'configmaps']
  const watches = await Promise.all(
    resources.map(async (resource) => {
      const { resourceVersion } = await dcs.client.list(resource, place.namespace, query)
      const path = objectsPath(resource, place.namespace)
      return dcs.client.watch(path, `${query}&resourceVersion=${resourceVersion}`)
    }),
  )
  return {
    count: () => watches.reduce((sum, { events }) => sum + events.length, 0),
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()))
    },
  }
}
