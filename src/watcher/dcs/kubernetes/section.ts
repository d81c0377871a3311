/** The section `kubernetes`, as patroni/dcs/kubernetes.py reads it, and the variables of a Pod and of kubectl. Pure. */
import type { DcsConfig } from '../../../config/config.ts'
import { type DcsResult, foreignKey, type Origin } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { isMapping, type Mapping } from '../../../text/unknown-shape.ts'
import { CITUS_GROUP, EMPTY, isSet, portOf, type Section } from '../section-values.ts'
import { CITUS_LABEL, LABEL, LABEL_VALUE, NAMESPACE, type ObjectKind, SCOPE } from './names.ts'

export interface KubernetesConfig extends DcsConfig {
  readonly kind: typeof NAME
  /** What holds the keys. */
  readonly objects: ObjectKind
  /** Those of every object and Pod, without the one for the scope. */
  readonly labels: Readonly<Record<string, string>>
  readonly scopeLabel: string
  /** Where a Pod finds the API server; null: this is none. */
  readonly service: { readonly host: string; readonly port: number } | null
  /** The kubeconfig for all that is no Pod, and how people know it; null: `~/.kube/config`. */
  readonly kubeconfig: string | null
  /** What `~` stands for; null: it is not set. */
  readonly home: string | null
  /** Of the kubeconfig; null: the current one. */
  readonly context: string | null
  /** File with the CA of the API server; null: that of the service account, or of the kubeconfig. */
  readonly caFile: string | null
  /** Whether the API servers are reached at their own addresses. */
  readonly bypassService: boolean
  /** Statuses of answers after which a request is repeated. */
  readonly retriable: readonly number[]
}

export const NAME = 'kubernetes'

/** The namespace where none is set. */
export const DEFAULT_NAMESPACE = 'default'

const HOST = 'KUBERNETES_SERVICE_HOST'
const PORT = 'KUBERNETES_SERVICE_PORT'
const KUBECONFIG = 'KUBECONFIG'
const HOME = 'HOME'

/** The variables that count besides those of Patroni's section. */
export const VARIABLES: readonly string[] = [HOST, PORT, KUBECONFIG, HOME]

/** patroni/dcs/kubernetes.py, `_DEFAULT_RETRIABLE_HTTP_CODES`. */
export const RETRIABLE: readonly number[] = [500, 503, 504]

const DEFAULT_SCOPE_LABEL = 'cluster-name'
const NO_LABELS =
  'is required: the labels that Patroni gives to all objects, such as {application: patroni} (or PATRONI_KUBERNETES_LABELS)'
const NO_VALUE_AT_TOP =
  'is empty, and yet goes over kubernetes.namespace, as in Patroni, which takes it for default: remove it'
const NO_NAMESPACE =
  'is no name of a namespace in Kubernetes, which Patroni takes it for: small letters, digits and -, at most 63'
const NO_SCOPE =
  'is no name of a cluster in Kubernetes, where it is part of names and a label: small letters, digits, - and ., at most 63'
const NO_LABEL = 'is no key of a label in Kubernetes'
const NO_VALUE = 'must be text that is the value of a label in Kubernetes: letters, digits, -, _ and ., at most 63'

type Report = (key: string | readonly string[], message: string) => void

/** Parses the section. `tree`: all sections of the cluster, of which scope and namespace are names in Kubernetes. */
export function resolveKubernetes(section: unknown, _origin: Origin, tree: Mapping): DcsResult<KubernetesConfig> {
  if (!isMapping(section)) {
    const message = section === null ? `${EMPTY}: set kubernetes.labels` : 'must be a mapping, with the key labels'
    return { value: null, faults: [{ path: [NAME], message }], warnings: [] }
  }
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const into =
    (list: Fault[]): Report =>
    (key, message) =>
      void list.push({ path: [NAME, ...(typeof key === 'string' ? [key] : key)], message })
  const [refuse, warn] = [into(faults), into(warnings)]

  faults.push(...namesIn(section, tree))
  if (isSet(section['group'])) refuse('group', CITUS_GROUP)
  const labels = labelsIn(section, refuse)
  const text = (key: string): string | null => textIn(section, key, refuse)
  const scopeLabel = text('scope_label') ?? DEFAULT_SCOPE_LABEL
  if (!matches(LABEL, scopeLabel)) refuse('scope_label', NO_LABEL)
  const flag = (key: string): boolean => {
    const value = section[key] ?? false
    // To Python any text is true.
    if (typeof value !== 'boolean') refuse(key, 'must be true or false, without quotes')
    return value === true
  }
  const objects = flag('use_endpoints') ? 'endpoints' : 'configmaps'
  const bypassService = flag('bypass_api_service')
  const [context, caFile] = [text('context'), text('cacert')]
  const service = serviceIn(section, refuse)
  const retriable = codesIn(section['retriable_http_codes'])
  if (retriable === null) warn('retriable_http_codes', 'not used, as in Patroni: it is no list of statuses, 100 to 599')
  if (faults.length > 0) return { value: null, faults, warnings }
  const variable = (name: string): string | null => {
    const value = section[foreignKey(name)]
    return typeof value === 'string' && value !== '' ? value : null
  }
  return {
    value: {
      ...{ kind: NAME, objects, labels, scopeLabel, service, context, caFile, bypassService },
      ...{ kubeconfig: variable(KUBECONFIG), home: variable(HOME) },
      retriable: [...new Set([...RETRIABLE, ...(retriable ?? [])])],
    },
    faults,
    warnings,
  }
}

/** Finds what is wrong with names that Kubernetes has to accept. Those of another form are reported elsewhere. */
function namesIn(section: Section, tree: Mapping): Fault[] {
  const faults: Fault[] = []
  // patroni/dcs/__init__.py, `get_dcs`: a namespace at the top is copied over it.
  const path = isSet(tree['namespace']) ? ['namespace'] : [NAME, 'namespace']
  const namespace = isSet(tree['namespace']) ? tree['namespace'] : section['namespace']
  // Without a value, too: there it is the namespace `default` to Patroni.
  if ('namespace' in tree && !isSet(tree['namespace']) && isSet(namespace) && namespace !== DEFAULT_NAMESPACE)
    faults.push({ path: ['namespace'], message: NO_VALUE_AT_TOP })
  if (typeof namespace === 'string' && namespace !== '' && !matches(NAMESPACE, namespace))
    faults.push({ path, message: NO_NAMESPACE })
  const { scope } = tree
  if (typeof scope === 'string' && scope !== '' && !matches(SCOPE, scope))
    faults.push({ path: ['scope'], message: NO_SCOPE })
  return faults
}

function labelsIn(section: Section, refuse: Report): Readonly<Record<string, string>> {
  const { labels } = section
  if (!isSet(labels)) refuse('labels', NO_LABELS)
  else if (!isMapping(labels)) refuse('labels', 'must be a mapping like {application: patroni}')
  if (!isMapping(labels)) return {}
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => {
      if (!matches(LABEL, key)) refuse(['labels', key], NO_LABEL)
      else if (key === CITUS_LABEL) refuse(['labels', key], 'is what Patroni sets by citus.group: remove it')
      else if (typeof value !== 'string' || !matches(LABEL_VALUE, value)) refuse(['labels', key], NO_VALUE)
      else return [[key, value] as const]
      return []
    }),
  )
}

function textIn(section: Section, key: string, refuse: Report): string | null {
  const value = section[key]
  if (!isSet(value)) return null
  if (typeof value === 'string') return value
  refuse(key, 'must be text: put it in quotes')
  return null
}

/** Returns where the variables of a Pod lead to. One of them alone is none, as in Patroni. */
function serviceIn(section: Section, refuse: Report): KubernetesConfig['service'] {
  const [host, port] = [section[foreignKey(HOST)], section[foreignKey(PORT)]]
  if (typeof host !== 'string' || typeof port !== 'string' || host === '' || port === '') return null
  const number = portOf(port)
  const isHost = /^[\w.:%-]+$/.test(host)
  if (number === null) refuse(foreignKey(PORT), 'must be a port, 1 to 65535')
  if (!isHost) refuse(foreignKey(HOST), 'must be an address')
  return number === null || !isHost ? null : { host, port: number }
}

/** Parses an integer, a list of them, or text with commas; null: Patroni cannot read it. */
function codesIn(value: unknown): readonly number[] | null {
  if (!isSet(value)) return []
  const parts: readonly unknown[] = Array.isArray(value) ? value : String(value).split(',')
  const codes = parts.map((part) => (/^\s*[1-5]\d\d\s*$/.test(String(part)) ? Number(part) : null))
  return codes.includes(null) ? null : codes.filter((code) => code !== null)
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern).test(text)
}
