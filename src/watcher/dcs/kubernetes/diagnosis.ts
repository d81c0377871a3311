/** Says what is wrong with an API server of Kubernetes, and what to change. No message shows a token or a password. Pure. */
import { RouterError } from '../../../errors.ts'
import { printable } from '../../../text/printable.ts'
import { nearest } from '../../../text/suggestion.ts'
import type { HttpAnswer } from '../http/connection.ts'
import { type HttpPeer, Refusal, shown, strangeAnswer } from '../http/diagnosis.ts'
import type { Found, ScopePlace } from '../scopes.ts'
import type { AccessOrigin } from './access.ts'
import { KIND_WORDS, type ObjectKind } from './names.ts'
import { statusOf } from './objects.ts'

/** What was requested. */
export interface Request {
  /** `get`: of the addresses of the API servers. */
  readonly verb: 'get' | 'list' | 'watch'
  readonly resource: ObjectKind | 'pods'
  readonly namespace: string
  /** The kind that the cluster's keys are in. */
  readonly objects: ObjectKind
}

/** Longest name of a user that is shown: `system:serviceaccount:NAMESPACE:NAME`. */
const MAX_USER = 200

/** The user has no right to what was requested. */
export class Forbidden extends Refusal {}

const POD_TLS = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must lead to its port for HTTPS'

/** Returns what an answer that is not as it should be means. */
export function failureOfAnswer(answer: HttpAnswer, request: Request, origin: AccessOrigin): RouterError {
  const { status, text } = answer
  const strange = strangeAnswer(answer, peerOf(origin))
  if (strange !== null) return strange
  const { isStatus, message } = statusOf(text)
  if (status === 401) return new Refusal(rejected(origin))
  if (status === 403) return new Forbidden(forbidden(message, request, origin))
  if (!isStatus && (status === 404 || status < 300))
    return new Refusal(`it is not the API server of Kubernetes: correct ${serverOf(origin)}`)
  return new RouterError('DCS_UNAVAILABLE', `it answers ${status}: ${isStatus ? shown(message) : shown(text)}`)
}

/** Returns the rule of a Role that allows what was requested, and all else that the router does in that namespace. */
function ruleFor({ verb, objects }: Request): string {
  return verb === 'get'
    ? '{apiGroups: [""], resources: [endpoints], resourceNames: [kubernetes], verbs: [get]}'
    : `{apiGroups: [""], resources: [${objects}, pods], verbs: [list, watch]}`
}

/** Returns it as its settings know it. */
export function peerOf(origin: AccessOrigin): HttpPeer {
  const { kubeconfig, settings, hasCa, hasCert } = origin
  const { caFile, certFile } = origin.files
  return {
    name: 'the API server',
    settings,
    caFile: caFile ?? (hasCa ? 'in the kubeconfig' : null),
    certFile: certFile ?? (hasCert ? 'in the kubeconfig' : null),
    named: 'one for this address, or use a name that the certificate has',
    withoutTls:
      kubeconfig === null ? POD_TLS : `begin the server in ${kubeconfig} with http://, or use its port for HTTPS`,
    withTls: kubeconfig === null ? POD_TLS : `begin the server in ${kubeconfig} with https://`,
    asksBy: null,
    trustsBy: '--client-ca-file',
    insecure: null,
  }
}

function serverOf({ kubeconfig }: AccessOrigin): string {
  return kubeconfig === null ? 'KUBERNETES_SERVICE_HOST' : `the server in ${kubeconfig}`
}

function rejected({ login, hasCert, kubeconfig }: AccessOrigin): string {
  if (login !== null) return `it rejects ${login}: it has expired, or is for another API server`
  const file = kubeconfig ?? 'the kubeconfig'
  return hasCert
    ? `it rejects the client certificate in ${file}`
    : `it requires a login: give the user in ${file} a token or a client-certificate`
}

/** Returns what a 403 means. `message`: `endpoints is forbidden: User "system:anonymous" cannot list resource "endpoints" in API group ""...`. */
function forbidden(message: string, request: Request, origin: AccessOrigin): string {
  const { verb, resource, namespace } = request
  const user = /User "([^"]+)"/.exec(message)?.[1] ?? null
  if (user === 'system:anonymous') return rejected(origin)
  const named = user === null ? 'the user of this router' : `user "${printable(user, MAX_USER)}"`
  const role = `give it a Role in that namespace with the rule ${ruleFor(request)}`
  return `${named} may not ${verb} ${resource} in namespace ${namespace}: ${role}`
}

/** So many names of other clusters are shown. */
const MAX_OTHERS = 10

/** Describes which other clusters are in the namespace; null: none. */
export function aboutOthers({ namespace, scope }: ScopePlace, { places, isAll }: Found): string | null {
  const names = [...new Set(places.map((place) => place.scope))].filter((name) => name !== scope).toSorted()
  if (names.length === 0) return null
  const shownNames = names.slice(0, MAX_OTHERS).join(', ')
  const more = names.length > MAX_OTHERS || !isAll ? ' and more' : ''
  const near = nearest(scope, names)
  const meant = near === null ? '' : `; did you mean "${near}"?`
  return `namespace ${namespace} has no cluster "${scope}", but ${shownNames}${more}${meant}`
}

/** What there is where the cluster has no object of its kind. */
export interface Neighbours {
  readonly namespace: string
  readonly scope: string
  readonly objects: ObjectKind
  /** `application=patroni`. */
  readonly labels: string
  readonly scopeLabel: string
  /** Whether the other kind has objects of this cluster. */
  readonly isOtherKind: boolean
  /** Whether there are objects of this scope with other labels. */
  readonly hasOtherLabels: boolean
}

/** Describes what is wrong where the cluster has no object of its kind, and no other cluster was found; null: nothing can be said. */
export function aboutAbsence({ namespace, scope, objects, labels, scopeLabel, ...found }: Neighbours): string {
  const [mine, others] =
    objects === 'endpoints' ? (['endpoints', 'configmaps'] as const) : (['configmaps', 'endpoints'] as const)
  if (found.isOtherKind)
    return `cluster "${scope}" has ${KIND_WORDS[others]} in namespace ${namespace}, and no ${KIND_WORDS[mine]}: set kubernetes.use_endpoints: ${mine === 'configmaps'}`
  if (found.hasOtherLabels)
    return `namespace ${namespace} has ${KIND_WORDS[mine]} with ${scopeLabel}=${scope}, but not with ${labels}: correct kubernetes.labels`
  return `namespace ${namespace} has no ${KIND_WORDS[mine]} with ${labels === '' ? scopeLabel : labels}: correct the namespace, kubernetes.labels or kubernetes.scope_label`
}
