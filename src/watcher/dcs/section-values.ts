/** What the sections of Patroni's DCS have in common. No message shows a value. Pure. */
import type { Fault } from '../../config/file/problem.ts'
import type { CertificateFiles } from '../tls/certificates.ts'

export type Section = Readonly<Record<string, unknown>>

export interface Resolved<T> {
  readonly value: T
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

export const CITUS_GROUP = 'Patroni takes it for the Citus group: write it as citus.group'

export const EMPTY = 'is empty, and none to Patroni'

/** Returns whether a key has a value: to Patroni an empty text is as good as none. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** Returns a port, 1 to 65535, which may be in quotes; null: it is none. */
export function portOf(value: unknown): number | null {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536 ? port : null
}

/** Returns `host:port` with another port. */
export function withPort(endpoint: string, port: number): string {
  return endpoint.replace(/\d+$/, String(port))
}

/**
 * Returns the certificate files of the section `name`. A certificate may hold its key; `ca_cert` is what Patroni's
 * client libraries call `cacert`, and works too; relative paths count from the working directory. `withTls`: how
 * TLS is turned on.
 */
export function filesOf(
  name: string,
  section: Section,
  isTls: boolean,
  withTls: string,
): Resolved<Pick<CertificateFiles, 'caFile' | 'certFile' | 'keyFile'>> {
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const file = (key: string): string | null => {
    const value = isSet(section[key]) ? section[key] : null
    const path = [name, key]
    if (value !== null && typeof value !== 'string') faults.push({ path, message: 'must be the path of a file' })
    else if (value !== null && !isTls)
      warnings.push({
        path,
        message: `not used without TLS: for that, ${withTls}`,
      })
    else if (value !== null && key === 'key' && !isSet(section['cert']))
      warnings.push({ path, message: `not used without ${name}.cert` })
    else return value
    return null
  }
  const value = {
    caFile: file(isSet(section['cacert']) ? 'cacert' : 'ca_cert'),
    certFile: file('cert'),
    keyFile: file('key'),
  }
  return { value, faults, warnings }
}

/** Returns how TLS is turned on by the setting of a protocol. */
export function httpsBy(setting: string): string {
  return `set ${setting}: https (or https:// in the URL)`
}

/** Returns whether Python takes a value for true, as Patroni does where it parses nothing. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
