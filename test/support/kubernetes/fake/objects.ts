/** An object as the API has it, as far as its server looks into it. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly [field: string]: unknown
}

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** One kind of object: where its path is and what its objects are called. */
export interface Resource {
  readonly name: string
  readonly kind: string
  readonly group: string
  /** Whether PUT makes one that is not there. */
  readonly putCreates?: boolean
}

const RBAC = 'rbac.authorization.k8s.io'

export const RESOURCES: readonly Resource[] = [
  { name: 'pods', kind: 'Pod', group: '' },
  { name: 'endpoints', kind: 'Endpoints', group: '', putCreates: true },
  { name: 'configmaps', kind: 'ConfigMap', group: '' },
  { name: 'services', kind: 'Service', group: '', putCreates: true },
  { name: 'serviceaccounts', kind: 'ServiceAccount', group: '' },
  { name: 'roles', kind: 'Role', group: RBAC, putCreates: true },
  { name: 'rolebindings', kind: 'RoleBinding', group: RBAC, putCreates: true },
]

/** Such as `v1`, or `rbac.authorization.k8s.io/v1`. */
export function apiVersionOf({ group }: Resource): string {
  return group === '' ? 'v1' : `${group}/v1`
}

/** The body of an answer that is no object. */
export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Readonly<Record<string, unknown>>
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly code?: number
}

export interface Failure {
  readonly code: number
  readonly reason?: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Of the Status, such as the token to go on with. */
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds?: number
}

/** Returns the Status that tells a failure. */
export function failure({ code, reason, message, details, metadata = {} }: Failure): Status {
  return {
    ...{ kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message },
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  }
}

/** An error that the server answers with. */
export class Refusal extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Refusals in Kubernetes' own words: apimachinery/pkg/api/errors of its source. */
export const refusals = {
  unauthorized: () => new Refusal({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
  notFound: (resource: Resource, name: string) =>
    new Refusal({
      ...{ code: 404, reason: 'NotFound', message: `${qualified(resource)} "${name}" not found` },
      details: detailsOf(resource, name),
    }),
  noSuchPath: () =>
    new Refusal({
      ...{ code: 404, reason: 'NotFound', details: {} },
      message: 'the server could not find the requested resource',
    }),
  alreadyExists: (resource: Resource, name: string) =>
    new Refusal({
      ...{ code: 409, reason: 'AlreadyExists', message: `${qualified(resource)} "${name}" already exists` },
      details: detailsOf(resource, name),
    }),
  conflict: (resource: Resource, name: string) =>
    new Refusal({
      ...{ code: 409, reason: 'Conflict', details: detailsOf(resource, name) },
      message: `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    }),
  invalid: ({ kind, group }: Resource, name: string, field: string, message: string) =>
    new Refusal({
      ...{ code: 422, reason: 'Invalid' },
      message: `${kind}${group === '' ? '' : `.${group}`} "${name}" is invalid: ${field}: ${message}`,
      details: { name, kind, causes: [{ reason: 'FieldValueInvalid', message, field }] },
    }),
  badRequest: (message: string) => new Refusal({ code: 400, reason: 'BadRequest', message }),
  methodNotAllowed: () =>
    new Refusal({
      ...{ code: 405, reason: 'MethodNotAllowed', details: {} },
      message: 'the server does not allow this method on the requested resource',
    }),
  expired: (message: string, metadata: Readonly<Record<string, unknown>> = {}) =>
    new Refusal({ code: 410, reason: 'Expired', message, metadata }),
  future: (asked: number, current: number) =>
    new Refusal({
      ...{
        code: 504,
        reason: 'Timeout',
        message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
      },
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
      retryAfterSeconds: 1,
    }),
}

/** Such as `pods`, or `roles.rbac.authorization.k8s.io`. */
export function qualified({ name, group }: Resource): string {
  return group === '' ? name : `${name}.${group}`
}

export function detailsOf({ name: kind, group }: Resource, name: string): Record<string, string> {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind }
}
