/** What there is beside a cluster: other clusters of the namespace, its groups of Citus, and why it is not found. */
import { aboutScope, type Found, type ScopePlace } from '../scopes.ts'
import type { SurveyKind } from '../survey.ts'
import type { ApiConnection } from './api-connection.ts'
import { aboutAbsence, aboutOthers } from './diagnosis.ts'
import { CITUS_LABEL, groupOf, type ObjectKind, objectNames, selectorOf } from './names.ts'
import type { ObjectList } from './objects.ts'
import type { KubernetesConfig } from './section.ts'

type Config = Pick<KubernetesConfig, 'objects' | 'labels' | 'scopeLabel'>

/** Returns how a cluster's surroundings are looked at. Each look is one page of metadata. */
export function surveyOf<C extends { readonly api: ApiConnection }>(config: Config, place: ScopePlace): SurveyKind<C> {
  const { objects, labels, scopeLabel } = config
  const { scope } = place
  return {
    name: 'Kubernetes',
    hint: '',
    find: async ({ api }) => placesIn(await page(api, objects, { ...labels, [scopeLabel]: scope }), place, config),
    async missing({ api }) {
      const mine = { ...labels, [scopeLabel]: scope }
      const own = aboutScope(place, placesIn(await page(api, objects, mine), place, config))
      if (own !== null) return own
      const other = objects === 'endpoints' ? 'configmaps' : 'endpoints'
      const isOtherKind = await has(api, other, mine, place)
      const found = isOtherKind ? null : placesIn(await page(api, objects, labels), place, config)
      const others = found === null ? null : aboutOthers(place, found)
      if (others !== null) return others
      const hasOtherLabels = !isOtherKind && (await has(api, objects, { [scopeLabel]: scope }, place))
      const { namespace } = place
      return aboutAbsence({
        ...{ namespace, scope, objects, scopeLabel, labels: selectorOf(labels), isOtherKind, hasOtherLabels },
      })
    },
  }
}

/** Returns whether there is an object of the cluster; without the right to read it there is none. */
async function has(
  api: ApiConnection,
  kind: ObjectKind,
  labels: Readonly<Record<string, string>>,
  { scope, group }: ScopePlace,
): Promise<boolean> {
  try {
    const { config, leader } = objectNames({ scope, group }, kind)
    return (await page(api, kind, labels)).objects.some(({ name }) => name === config || name === leader)
  } catch {
    // The rights for the cluster's own objects are enough for all else.
    return false
  }
}

function page(api: ApiConnection, kind: ObjectKind, labels: Readonly<Record<string, string>>): Promise<ObjectList> {
  return api.list(kind, selectorOf(labels), { pages: 'first' })
}

/** Returns the clusters that objects belong to, each once. Pure. */
function placesIn(
  { objects, next }: ObjectList,
  { namespace }: ScopePlace,
  { scopeLabel, objects: kind }: Config,
): Found {
  const places = new Map<string, ScopePlace>()
  for (const { name, labels } of objects) {
    const scope = labels[scopeLabel]
    const group = groupOf(labels[CITUS_LABEL])
    if (scope === undefined) continue
    // The Endpoints of a Service for reads have the same labels.
    const { config, leader } = objectNames({ scope, group }, kind)
    if (name === config || name === leader) places.set(JSON.stringify([scope, group]), { namespace, scope, group })
  }
  return { places: [...places.values()], isAll: next === null }
}
