/**
 * The address of the API server and the login: in a Pod of its service account, else of a kubeconfig, in the order of
 * Patroni (patroni/dcs/kubernetes.py, `load_incluster_config` and `load_kube_config`).
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { hostPort } from '../../../address.ts'
import { explain, failureOf, RouterError } from '../../../errors.ts'
import { Certificates, type CertificateFiles, type CertificateSettings } from '../../tls/certificates.ts'
import { Credentials } from './credentials.ts'
import { type KubeAccess, type KubeLogin, parseKubeconfig } from './kubeconfig.ts'
import type { KubernetesConfig } from './section.ts'

/** Where Kubernetes mounts the service account of a Pod. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** More than a token or a kubeconfig of many clusters. Bytes. */
const MAX_BYTES = 4 * 1024 * 1024

/** Where the access comes from, for messages. */
export interface AccessOrigin {
  /** A Pod has no kubeconfig: null. */
  readonly kubeconfig: string | null
  /** What it logs in with, for people; null: nothing but a certificate. */
  readonly login: string | null
  readonly settings: CertificateSettings
  readonly files: Pick<CertificateFiles, 'caFile' | 'certFile'>
  readonly hasCa: boolean
  readonly hasCert: boolean
}

export interface Access extends Pick<KubeAccess, 'protocol' | 'endpoint' | 'base' | 'verifies'> {
  readonly certificates: Certificates | null
  readonly credentials: Credentials
  readonly origin: AccessOrigin
}

/** Returns the files of the service account that are used; null: this is no Pod, or one without them. */
export function serviceFiles(
  { service, caFile }: Pick<KubernetesConfig, 'service' | 'caFile'>,
  directory = SERVICE_ACCOUNT,
): { readonly caFile: string; readonly tokenFile: string } | null {
  const files = { caFile: caFile ?? join(directory, 'ca.crt'), tokenFile: join(directory, 'token') }
  const isThere = (path: string): boolean => (textOf(path) ?? '') !== ''
  return service !== null && isThere(files.caFile) && isThere(files.tokenFile) ? files : null
}

/** Returns the absolute path of the kubeconfig. Like Patroni, it takes `$KUBECONFIG` for one path. */
export function kubeconfigOf({ kubeconfig, home }: Pick<KubernetesConfig, 'kubeconfig' | 'home'>): string {
  const path = kubeconfig ?? '~/.kube/config'
  return resolve(path.replace(/^~(?=\/|$)/, () => home ?? homedir()))
}

export class AccessSource {
  readonly #config: KubernetesConfig
  readonly #directory: string
  #last: { readonly text: string; readonly access: Access } | null = null

  /** Reads nothing yet. `directory`: where the service account is. */
  constructor(config: KubernetesConfig, directory = SERVICE_ACCOUNT) {
    this.#config = config
    this.#directory = directory
  }

  /** Returns the access that was loaded last; null: none. */
  get current(): Access | null {
    return this.#last?.access ?? null
  }

  /** Reads all again; gives the same object as long as nothing has changed. @throws RouterError naming the file. */
  load(): Access {
    const files = serviceFiles(this.#config, this.#directory)
    const { service } = this.#config
    if (files !== null && service !== null) return this.#keep(JSON.stringify(files), () => inPod(service, files))
    const file = kubeconfigOf(this.#config)
    const text = this.#textOfKubeconfig(file)
    return this.#keep(`${file}\n${text}`, () => this.#byKubeconfig(file, text))
  }

  #keep(text: string, build: () => Access): Access {
    if (this.#last?.text !== text) this.#last = { text, access: build() }
    return this.#last.access
  }

  #textOfKubeconfig(file: string): string {
    const text = textOf(file)
    if (text !== null && text.trim() !== '') return text
    const { service, caFile, kubeconfig } = this.#config
    const why = text === null ? whyNot(file) : 'it is empty'
    const pod =
      service === null
        ? 'KUBERNETES_SERVICE_HOST is not set, as it would be in a Pod'
        : missing(caFile, this.#directory)
    const names = kubeconfig?.includes(':') === true ? '; like Patroni, KUBECONFIG is taken for one path' : ''
    const message = `${pod}, and the kubeconfig ${file} cannot be read: ${why}${names}`
    throw new RouterError('CONFIG_UNREADABLE', message)
  }

  #byKubeconfig(file: string, text: string): Access {
    const { context, caFile } = this.#config
    const parsed = parseKubeconfig(text, file, context)
    if (!parsed.ok) throw new RouterError('CONFIG_INVALID', `the kubeconfig has a mistake: ${parsed.message}`)
    const { login, certificates: own, ...server } = parsed.value
    const isTls = server.protocol === 'https'
    // Patroni's own setting is about Pods; here it helps a kubeconfig that has none.
    const usesCa = own.caFile === null && own.inline?.ca === undefined && server.verifies
    const certificates = usesCa ? { ...own, caFile } : own
    const settings = {
      ca: usesCa && caFile !== null ? 'kubernetes.cacert' : `certificate-authority in ${file}`,
      cert: `client-certificate in ${file}`,
      key: `client-key in ${file}`,
    }
    return {
      ...server,
      certificates: isTls ? new Certificates(certificates, { systemTrust: server.verifies, settings }) : null,
      credentials: new Credentials(() => {
        const now = parseKubeconfig(readText(file, 'kubeconfig'), file, context)
        return headerOf(now.ok ? now.value.login : login)
      }, login.kind === 'token-file'),
      origin: {
        ...{ kubeconfig: file, login: loginWords(login, file), settings },
        files: { caFile: certificates.caFile, certFile: certificates.certFile },
        hasCa: certificates.caFile !== null || certificates.inline?.ca !== undefined,
        hasCert: certificates.certFile !== null || certificates.inline?.cert !== undefined,
      },
    }
  }
}

function inPod(
  { host, port }: NonNullable<KubernetesConfig['service']>,
  { caFile, tokenFile }: NonNullable<ReturnType<typeof serviceFiles>>,
): Access {
  const settings = { ca: 'kubernetes.cacert', cert: '', key: '' }
  return {
    ...{ protocol: 'https', endpoint: hostPort(host.replace(/^\[(.*)\]$/, '$1'), port), base: '', verifies: true },
    certificates: new Certificates({ caFile, certFile: null, keyFile: null }, { settings }),
    credentials: new Credentials(() => headerOf({ kind: 'token-file', path: tokenFile }), true),
    origin: {
      ...{ kubeconfig: null, login: `the token in ${tokenFile}`, settings },
      ...{ files: { caFile, certFile: null }, hasCa: true, hasCert: false },
    },
  }
}

/** Returns the value of the header `authorization`; null: none. @throws RouterError as `tokenIn` does. */
function headerOf(login: KubeLogin): string | null {
  switch (login.kind) {
    case 'token-file':
      return `Bearer ${tokenIn(login.path)}`
    case 'token':
      return `Bearer ${login.token}`
    case 'password':
      return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
    case 'none':
      return null
  }
}

function loginWords(login: KubeLogin, file: string): string | null {
  switch (login.kind) {
    case 'token-file':
      return `the token in ${login.path}`
    case 'token':
      return `the token of the user in ${file}`
    case 'password':
      return `user and password in ${file}`
    case 'none':
      return null
  }
}

/** @throws RouterError where there is none. */
function tokenIn(path: string): string {
  const token = readText(path, 'token file').trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new RouterError('CONFIG_UNREADABLE', `the token file ${path} ${token === '' ? 'is empty' : 'holds no token'}`)
}

function missing(caFile: string | null, directory: string): string {
  const files = [caFile ?? join(directory, 'ca.crt'), join(directory, 'token')]
  const [first = directory] = files.filter((path) => (textOf(path) ?? '') === '')
  return `the file ${first} of this Pod is missing or empty`
}

function readText(path: string, what: string): string {
  const text = textOf(path)
  if (text === null) throw new RouterError('CONFIG_UNREADABLE', `the ${what} ${path} cannot be read: ${whyNot(path)}`)
  return text
}

/** Reads a small file, waiting for no writer of a pipe; null: it cannot be read. */
function textOf(path: string): string | null {
  try {
    return read(path)
  } catch {
    // The reason is found out by `whyNot`.
    return null
  }
}

function whyNot(path: string): string {
  try {
    read(path)
    return 'it is there now'
  } catch (error) {
    const failure = failureOf(error)
    return failure === 'missing' ? 'no such file' : failure === 'denied' ? 'this user may not read it' : explain(error)
  }
}

function read(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw new TypeError('it is not a file')
    if (stats.size > MAX_BYTES) throw new RangeError(`it is larger than ${MAX_BYTES} bytes`)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
