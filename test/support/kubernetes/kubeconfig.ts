import { readFileSync } from 'node:fs'
import type { CertificatePair } from '../files/certificates.ts'

/** How a kubeconfig reaches the server, and as whom; without any of the latter as the administrator. */
export interface KubeconfigOptions {
  /** Of a relay. */
  readonly port?: number
  /** null: none. */
  readonly token?: string | null
  readonly certificate?: CertificatePair
  readonly password?: { readonly username: string; readonly password: string }
  /** Whether certificates and keys stand in the kubeconfig itself, not in files that it names. */
  readonly embedded?: boolean
  readonly context?: string
}

/** Returns a kubeconfig of one context. @param ca the path of the certificate of the server's authority; null: no TLS. */
export function kubeconfigOf(server: string, ca: string | null, options: KubeconfigOptions): Record<string, unknown> {
  const { context = 'test', embedded = false } = options
  const file = (name: string, path: string): Record<string, string> =>
    embedded ? { [`${name}-data`]: readFileSync(path).toString('base64') } : { [name]: path }
  return {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': context },
    contexts: [{ name: context, context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, ...(ca === null ? {} : file('certificate-authority', ca)) } }],
    users: [{ name: 'test', user: credentials(options, file) }],
  }
}

function credentials(
  { token = null, certificate, password }: KubeconfigOptions,
  file: (name: string, path: string) => Record<string, string>,
): Record<string, string> {
  if (password !== undefined) return { ...password }
  if (certificate !== undefined) {
    return { ...file('client-certificate', certificate.cert), ...file('client-key', certificate.key) }
  }
  return token === null ? {} : { token }
}
