/** How etcd is to be convinced: user and password. No message shows a value. */
import type { Fault } from '../../../config/file/problem.ts'
import { isSet, type Resolved, type Section } from '../section-values.ts'
import type { EtcdConfig } from './section.ts'

/**
 * Returns user and password of a URL, `name` being the section. With `url` and `proxy` Patroni takes them from there, or none; urllib leaves %40
 * as it is.
 */
export function loginOfUrl(
  name: string,
  source: string,
  userInfo: string | null,
  section: Section,
): Resolved<EtcdConfig['auth']> {
  const warnings = ['username', 'password']
    .filter((key) => isSet(section[key]))
    .map((key) => ({
      path: [name, key],
      message: `not used: with ${name}.${source} user and password are those in it, http://user:password@host`,
    }))
  if (userInfo === null) return { value: null, faults: [], warnings }
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(userInfo) ?? []
  if (username !== '' && password !== '') return { value: { username, password }, faults: [], warnings }
  const message = 'must have both user and password before the @, or neither'
  return { value: null, faults: [{ path: [name, source], message }], warnings }
}

/** Returns `username` and `password`. */
export function loginOfKeys(name: string, section: Section): Resolved<EtcdConfig['auth']> {
  const { username, password } = section
  const faults: Fault[] = []
  for (const [key, other] of [
    ['username', 'password'],
    ['password', 'username'],
  ] as const) {
    const path = [name, key]
    if (isSet(section[key]) && typeof section[key] !== 'string')
      faults.push({ path, message: 'must be text: put it in quotes' })
    // Patroni would continue without either, and it would look like a fault of etcd.
    else if (isSet(section[key]) && !isSet(section[other]))
      faults.push({ path, message: `is not used without ${name}.${other}` })
  }
  const isComplete = typeof username === 'string' && typeof password === 'string' && username !== '' && password !== ''
  return { value: isComplete ? { username, password } : null, faults, warnings: [] }
}
