import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { TLSSocket, type PeerCertificate } from 'node:tls'
import { detailsOf, qualified, Refusal, refusals, RESOURCES, type KubeObject, type Resource } from './objects.ts'
import type { Store } from './store.ts'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

/** What somebody is about to do. */
export interface Attempt {
  readonly verb: string
  readonly resource: Resource
  readonly namespace: string
  /** Empty: all. */
  readonly name: string
  readonly subresource?: string | undefined
}

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly verbs?: readonly string[]
  readonly resourceNames?: readonly string[]
}

interface Subject {
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}

/** What a client without a certificate has. */
type Empty = { readonly subject?: undefined }

const ADMINS = 'system:masters'
const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Who somebody is and what the roles in the store let them do. Tokens are kept in a file. */
export class Access {
  readonly #store: Store
  readonly #tokenFile: string
  readonly #adminToken: string
  /** Passwords by user: servers before 1.19 only. */
  readonly #passwords: Readonly<Record<string, string>>
  /** The UID of the service account that each was made for. */
  readonly #tokens: Record<string, string>

  constructor(
    store: Store,
    settings: { readonly tokenFile: string; readonly adminToken: string; readonly passwords: Record<string, string> },
  ) {
    this.#store = store
    this.#tokenFile = settings.tokenFile
    this.#adminToken = settings.adminToken
    this.#passwords = settings.passwords
    this.#tokens = read(settings.tokenFile)
  }

  /** Makes a token of a service account, which is valid as long as that is there. */
  addToken({ metadata }: KubeObject): string {
    const token = randomUUID()
    this.#tokens[token] = metadata.uid
    writeFileSync(this.#tokenFile, JSON.stringify(this.#tokens))
    return token
  }

  /** Who sends a request: nobody in particular without credentials. @throws {Refusal} 401 for wrong ones. */
  userOf(request: IncomingMessage): User {
    const { socket } = request
    const subject =
      socket instanceof TLSSocket ? (socket.getPeerCertificate() as PeerCertificate | Empty).subject : null
    if (socket instanceof TLSSocket && subject?.CN !== undefined) {
      if (!socket.authorized) throw refusals.unauthorized()
      return { name: String(subject.CN), groups: [subject.O].flat().map(String) }
    }
    const [, scheme = '', credentials = ''] = /^(\w+)\s+(.*)$/.exec(request.headers.authorization ?? '') ?? []
    if (scheme.toLowerCase() === 'bearer') return this.#ofToken(credentials)
    if (scheme.toLowerCase() === 'basic' && Object.keys(this.#passwords).length > 0)
      return this.#ofPassword(credentials)
    return ANONYMOUS
  }

  #ofToken(token: string): User {
    if (token === this.#adminToken) return { name: 'admin', groups: [ADMINS] }
    const uid = this.#tokens[token]
    const accounts = this.#store.all(SERVICE_ACCOUNTS)
    const account = uid === undefined ? undefined : accounts.find(({ metadata }) => metadata.uid === uid)
    if (account === undefined) throw refusals.unauthorized()
    const { namespace, name } = account.metadata
    return { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts'] }
  }

  #ofPassword(credentials: string): User {
    const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? []
    if (this.#passwords[name] !== password) throw refusals.unauthorized()
    return { name, groups: [] }
  }

  /** @throws {Refusal} 403 in Kubernetes' words. */
  check(user: User, attempt: Attempt): void {
    if (user.groups.includes(ADMINS) || this.#rules(user, attempt.namespace).some((rule) => allows(rule, attempt)))
      return
    const { verb, resource, namespace, name, subresource } = attempt
    const what = subresource === undefined ? resource.name : `${resource.name}/${subresource}`
    const object = name === '' ? qualified(resource) : `${qualified(resource)} "${name}"`
    const act = `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}"`
    throw new Refusal({
      ...{ code: 403, reason: 'Forbidden', details: detailsOf(resource, name) },
      message: `${object} is forbidden: ${act} in the namespace "${namespace}"`,
    })
  }

  #rules(user: User, namespace: string): Rule[] {
    return this.#store.list('rolebindings', namespace).flatMap((binding) => {
      const subjects = (binding['subjects'] ?? []) as readonly Subject[]
      if (!subjects.some((subject) => isSubject({ namespace, ...subject }, user))) return []
      const { name = '' } = (binding['roleRef'] ?? {}) as { name?: string }
      const role = this.#store.get(ROLES, namespace, name)
      return role?.['rules'] ?? []
    })
  }
}

const SERVICE_ACCOUNTS = named('serviceaccounts')
const ROLES = named('roles')

function named(name: string): Resource {
  const found = RESOURCES.find((resource) => resource.name === name)
  if (found === undefined) throw new Error(`no resource ${name}`)
  return found
}

function isSubject({ kind, name, namespace = '' }: Subject, user: User): boolean {
  if (kind === 'Group') return user.groups.includes(name)
  return user.name === (kind === 'ServiceAccount' ? `system:serviceaccount:${namespace}:${name}` : name)
}

function allows(rule: Rule, { verb, resource, name, subresource }: Attempt): boolean {
  const has = (list: readonly string[] = [], value: string): boolean => list.includes(value) || list.includes('*')
  const { resourceNames = [] } = rule
  const what = subresource === undefined ? resource.name : `${resource.name}/${subresource}`
  return (
    has(rule.apiGroups, resource.group) &&
    has(rule.resources, what) &&
    has(rule.verbs, verb) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  )
}

function read(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  } catch {
    return {} // The first start.
  }
}
