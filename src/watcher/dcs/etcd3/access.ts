/** How etcd is to be convinced: user and password, or certificates. No message shows a value. */
import type { Etcd3Config } from './section.ts'
import type { Fault } from '../../../config/file/problem.ts'

type Section = Readonly<Record<string, unknown>>

interface Resolved<T> {
  readonly value: T
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/**
 * Returns user and password of a URL. With `url` and `proxy` Patroni takes them from there, or none; urllib leaves %40
 * as it is.
 */
export function loginOfUrl(source: string, userInfo: string | null, section: Section): Resolved<Etcd3Config['auth']> {
  const warnings = ['username', 'password']
    .filter((key) => isSet(section[key]))
    .map((key) => ({
      path: ['etcd3', key],
      message: `not used: with etcd3.${source} user and password are those in it, http://user:password@host`,
    }))
  if (userInfo === null) return { value: null, faults: [], warnings }
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(userInfo) ?? []
  if (username !== '' && password !== '') return { value: { username, password }, faults: [], warnings }
  const message = 'must have both user and password before the @, or neither'
  return { value: null, faults: [{ path: ['etcd3', source], message }], warnings }
}

/** Returns `username` and `password`. */
export function loginOfKeys(section: Section): Resolved<Etcd3Config['auth']> {
  const { username, password } = section
  const faults: Fault[] = []
  for (const [key, other] of [
    ['username', 'password'],
    ['password', 'username'],
  ] as const) {
    const path = ['etcd3', key]
    if (isSet(section[key]) && typeof section[key] !== 'string')
      faults.push({ path, message: 'must be text: put it in quotes' })
    // Patroni would continue without either, and it would look like a fault of etcd.
    else if (isSet(section[key]) && !isSet(section[other]))
      faults.push({ path, message: `is not used without etcd3.${other}` })
  }
  const isComplete = typeof username === 'string' && typeof password === 'string' && username !== '' && password !== ''
  return { value: isComplete ? { username, password } : null, faults, warnings: [] }
}

/**
 * Returns the certificate files. A certificate may hold its key, as in python-etcd, whose own `ca_cert` works too;
 * relative paths count from the working directory.
 */
export function filesOf(
  section: Section,
  protocol: 'http' | 'https',
): Resolved<Pick<Etcd3Config, 'caFile' | 'certFile' | 'keyFile'>> {
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const file = (key: string): string | null => {
    const value = isSet(section[key]) ? section[key] : null
    const path = ['etcd3', key]
    if (value !== null && typeof value !== 'string') faults.push({ path, message: 'must be the path of a file' })
    else if (value !== null && protocol === 'http')
      warnings.push({
        path,
        message: 'not used without TLS: for that, set etcd3.protocol: https (or https:// in the URL)',
      })
    else if (value !== null && key === 'key' && !isSet(section['cert']))
      warnings.push({ path, message: 'not used without etcd3.cert' })
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

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
