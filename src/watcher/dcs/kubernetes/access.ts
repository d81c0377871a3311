/**
 * The address of the API server and the login: in a Pod of its service account, else of a kubeconfig, in the order of
 * Patroni (patroni/dcs/kubernetes.py, `load_incluster_config` and `load_kube_config`).
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { hostPort } from '../../../address.ts'
import { RouterError } from '../../../errors.ts'
import { Certificates, type CertificateFiles, type CertificateSettings } from '../../tls/certificates.ts'
import { Credentials } from './credentials.ts'
import { type ContextChoice, type KubeAccess, type KubeLogin, parseKubeconfig } from './kubeconfig.ts'
import type { KubernetesConfig } from './section.ts'
import { faultOf, readText, textOf, whyNot } from './text-file.ts'

/** Where Kubernetes mounts the service account of a Pod. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

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
  return service !== null && faultOf(files.caFile) === null && faultOf(files.tokenFile) === null ? files : null
}

/** Returns the absolute path of the kubeconfig. Like Patroni, it takes `$KUBECONFIG` for one path. */
export function kubeconfigOf({ kubeconfig, home }: Pick<KubernetesConfig, 'kubeconfig' | 'home'>): string {
  const path = kubeconfig ?? '~/.kube/config'
  return resolve(path.replace(/^~(?=\/|$)/, () => home ?? homedir()))
}

export class AccessSource {
  static readonly #all = new Map<string, AccessSource>()
  readonly #config: KubernetesConfig
  readonly #directory: string
  #last: { readonly text: string; readonly access: Access } | null = null
  /** The context that was taken first: `kubectl config use-context` is no order to this router. */
  #context: string | null = null

  /** Reads nothing yet. `directory`: where the service account is. */
  constructor(config: KubernetesConfig, directory = SERVICE_ACCOUNT) {
    this.#config = config
    this.#directory = directory
  }

  /** Returns the one of all clusters with the same access: it is parsed, and its certificates are, once. */
  static shared(config: KubernetesConfig, directory = SERVICE_ACCOUNT): AccessSource {
    const { service, kubeconfig, home, context, caFile } = config
    const key = JSON.stringify([service, kubeconfig, home, context, caFile, directory])
    const source = AccessSource.#all.get(key) ?? new AccessSource(config, directory)
    AccessSource.#all.set(key, source)
    return source
  }

  /** Returns the access that was loaded last; null: none. */
  get current(): Access | null {
    return this.#last?.access ?? null
  }

  /**
   * Reads all again; gives the same object as long as nothing has changed. A Pod stays one, and the context of a
   * kubeconfig the same, whose server, certificates and login are followed. @throws RouterError naming the file.
   */
  load(): Access {
    const { service } = this.#config
    if (this.#last?.access.origin.kubeconfig === null) return this.#last.access
    const files = this.#last === null ? serviceFiles(this.#config, this.#directory) : null
    if (files !== null && service !== null) return this.#keep('', () => inPod(service, files))
    const file = kubeconfigOf(this.#config)
    const text = this.#textOfKubeconfig(file)
    return this.#keep(text, () => this.#byKubeconfig(file, text))
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

  get #choice(): ContextChoice | null {
    const { context } = this.#config
    if (context !== null) return { name: context, hint: 'correct kubernetes.context' }
    return this.#context === null ? null : { name: this.#context, hint: 'put it back, or restart the router' }
  }

  #byKubeconfig(file: string, text: string): Access {
    const { caFile } = this.#config
    const { context, login, certificates: own, ...server } = accessOf(text, file, this.#choice)
    this.#context = context
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
        const now = accessOf(readText(file, 'kubeconfig'), file, this.#choice)
        // The login of another server is for that one only.
        const isSame = now.protocol === server.protocol && now.endpoint === server.endpoint && now.base === server.base
        if (!isSame) throw new RouterError('CONFIG_INVALID', `the server in ${file} has been replaced`)
        return headerOf(now.login)
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

/** @throws RouterError naming the place of a mistake. */
function accessOf(text: string, file: string, context: ContextChoice | null): KubeAccess {
  const parsed = parseKubeconfig(text, file, context)
  if (parsed.ok) return parsed.value
  throw new RouterError('CONFIG_INVALID', `the kubeconfig has a mistake: ${parsed.message}`)
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
  const faults = files.flatMap((path) => {
    const fault = faultOf(path)
    return fault === null ? [] : `the file ${path} of this Pod ${fault}`
  })
  return faults[0] ?? `the files ${files.join(', ')} of this Pod are there now`
}
