/** The section `kubernetes` as JSON Schema. Pure. */
import type { Form } from '../../../config/values/form.ts'
import { LABEL, LABEL_VALUE } from './names.ts'

const TEXT: Form = { type: ['string', 'null'] }
const UNSET: Form = { enum: [null, ''] }

const PROPERTIES = {
  namespace: {
    ...TEXT,
    description:
      'Namespace of Kubernetes that the cluster is in. A `namespace` at the top goes over it, as in Patroni.',
    default: 'default',
  },
  labels: {
    type: ['object', 'null'],
    propertyNames: { pattern: LABEL },
    additionalProperties: { type: 'string', pattern: LABEL_VALUE },
    description: 'Labels that all objects and Pods of the cluster have, such as `{application: patroni}`. Required.',
  },
  scope_label: {
    ...TEXT,
    anyOf: [{ pattern: LABEL }, UNSET],
    description: 'Label that has the scope as its value.',
    default: 'cluster-name',
  },
  use_endpoints: {
    type: ['boolean', 'null'],
    description: '`true`: Patroni keeps its keys in Endpoints, else in ConfigMaps.',
    default: false,
  },
  context: {
    ...TEXT,
    description: 'Context of the kubeconfig, where the router is not in a Pod. Default: its current context.',
  },
  cacert: {
    ...TEXT,
    description:
      'File with the CA of the API server. Default: `ca.crt` of the service account; outside of a Pod the kubeconfig counts, and this only if it names no CA.',
  },
  bypass_api_service: {
    type: ['boolean', 'null'],
    description:
      '`true`: reach the API servers at the addresses in the Endpoints `kubernetes` of the namespace `default`, in turns. Their certificates are then verified without the name.',
    default: false,
  },
  retriable_http_codes: {
    description:
      'Statuses of answers after which a request is repeated within its time, besides `500`, `503`, `504` and answers with `Retry-After`.',
  },
  group: { ...UNSET, description: 'Refused: Patroni takes it for the Citus group. Use `citus.group`.' },
} satisfies Readonly<Record<string, Form>>

export const KUBERNETES_FORM: Form = {
  type: ['object', 'null'],
  description:
    'Kubernetes, as in Patroni: Endpoints or ConfigMaps, and Pods. In a Pod its service account is used, else `$KUBECONFIG` or `~/.kube/config`.',
  properties: PROPERTIES,
}
