/** Kubernetes, over the HTTP API of its API server (Patroni's section `kubernetes`). */
import type { ClusterConfig, DcsConfig } from '../../../config/config.ts'
import { boolean, list, mapping, type Parse } from '../../../config/env-values.ts'
import { COPIED_KEYS } from '../../../config/patroni-keys.ts'
import { bad } from '../../../config/values/parsed.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { mappingOf } from '../../../text/unknown-shape.ts'
import type { ClusterSource } from '../dcs.ts'
import { type DcsKind, deferred } from '../kind.ts'
import { patienceOf } from '../online.ts'
import { prefixOf } from '../scopes.ts'
import { surroundingsOf } from '../survey.ts'
import { kubeconfigOf, serviceFiles } from './access.ts'
import { KUBERNETES_FORM } from './form.ts'
import type { KubernetesDcsOptions } from './kubernetes-dcs.ts'
import { KIND_WORDS, selectorOf } from './names.ts'
import { DEFAULT_NAMESPACE, type KubernetesConfig, NAME, resolveKubernetes, VARIABLES } from './section.ts'

const KEYS: readonly string[] = [
  ...['labels', 'scope_label', 'role_label', 'leader_label_value', 'follower_label_value', 'tmp_role_label'],
  ...['standby_leader_label_value', 'use_endpoints', 'pod_ip', 'ports', 'cacert', 'retriable_http_codes', 'context'],
  ...['bootstrap_labels', 'bypass_api_service', ...COPIED_KEYS],
]
const WORDS: Readonly<Record<string, string>> = {
  ...{ label: 'labels', label_selector: 'labels', selector: 'labels', cluster_label: 'scope_label' },
  ...{ endpoints: 'use_endpoints', cafile: 'cacert', ca: 'cacert', ca_cert: 'cacert', ca_file: 'cacert' },
}

const labels: Parse = (value) => mapping(value) ?? bad('must be a mapping like {application: patroni}')

export const kubernetes: DcsKind<KubernetesConfig> = {
  name: NAME,
  patroni: {
    keys: KEYS,
    words: WORDS,
    library: 'none',
    variables: { LABELS: labels, USE_ENDPOINTS: boolean, BYPASS_API_SERVICE: boolean, RETRIABLE_HTTP_CODES: list },
    login: [],
    foreign: VARIABLES,
    isForeignEverywhere: true,
    namespace: DEFAULT_NAMESPACE,
  },
  needed: { key: 'labels', how: 'kubernetes.labels' },
  addresses: [],
  passwords: [],
  form: KUBERNETES_FORM,
  hasKeys: false,
  resolve: resolveKubernetes,
  identify(config, { namespace, scope, citusGroup }) {
    const { objects, labels: own, scopeLabel } = config
    return [placeOf(config), objects, selectorOf(own), scopeLabel, namespace, scope, citusGroup]
  },
  describe(config) {
    const { objects, labels: own, service, bypassService, context } = config
    const where =
      service !== null && serviceFiles(config) !== null
        ? `as this Pod at ${service.host}:${service.port}`
        : `by ${kubeconfigOf(config)}${context === null ? '' : `, context ${context}`}`
    const bypass = bypassService ? ', at the addresses of its API servers' : ''
    const selector = selectorOf(own)
    return `${NAME}: ${KIND_WORDS[objects]}${selector === '' ? '' : ` with ${selector}`}, ${where}${bypass}`
  },
  files(config) {
    const files = serviceFiles(config)
    if (files === null) return { others: [{ path: kubeconfigOf(config), what: 'the kubeconfig' }] }
    const { caFile, tokenFile } = files
    return {
      certificates: {
        ...{ peer: 'Kubernetes', files: { caFile, certFile: null, keyFile: null } },
        settings: { ca: 'kubernetes.cacert', cert: '', key: '' },
      },
      others: [{ path: tokenFile, what: 'the token of the service account' }],
    }
  },
  create(config, { cluster, rest: { lookups }, log, clusters }) {
    const { timeoutMs } = cluster.proxy.check
    const { namespace, scope } = cluster
    const absence = `namespace ${namespace} has no ${KIND_WORDS[config.objects]} of a cluster ${scope}`
    return deferred({ kind: NAME, leaderFrom: 'lock', absence }, async (): Promise<ClusterSource> => {
      const { kubernetesDcs } = await import('./kubernetes-dcs.ts')
      const { followed } = surroundingsOf(cluster, clusters, isSameKubernetes)
      return kubernetesDcs({ ...optionsOf(config, cluster, lookups, log), timeoutMs, followed })
    })
  },
  async checkOnline(config, { cluster, clusters, rest: { lookups } }, signal) {
    const { checkKubernetes } = await import('./online.ts')
    const options = optionsOf(config, cluster, lookups, null)
    return checkKubernetes(options, surroundingsOf(cluster, clusters, isSameKubernetes), signal)
  },
  async isAway(config, { cluster, lookups }, signal) {
    const { isKubernetesAway } = await import('./online.ts')
    return isKubernetesAway(optionsOf(config, cluster, lookups, null), signal)
  },
}

/** Returns what reads a cluster as patiently as a person waits. */
function optionsOf(
  config: KubernetesConfig,
  cluster: ClusterConfig,
  lookups: Lookups,
  log: Log | null,
): KubernetesDcsOptions {
  const { namespace, scope, citusGroup: group } = cluster
  const { intervalMs } = cluster.proxy.check
  const place = { namespace, scope, group }
  return {
    ...{ config, place, prefix: prefixOf(cluster), intervalMs, timeoutMs: patienceOf(cluster) },
    ...{ log, lookups, followed: [] },
  }
}

/** Returns what leads to an API server. */
function placeOf({ service, kubeconfig, home, context }: KubernetesConfig): unknown {
  return { service, kubeconfig, home, context }
}

function isSameKubernetes(one: DcsConfig, other: DcsConfig): boolean {
  const place = ({ service, kubeconfig, context }: ReturnType<typeof mappingOf>): string =>
    JSON.stringify([service, kubeconfig, context])
  return one.kind === other.kind && place(mappingOf(one)) === place(mappingOf(other))
}
