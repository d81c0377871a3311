/**
 * What the sections of ZooKeeper have in common, as patroni/dcs/zookeeper.py and its library kazoo read it. No message shows a
 * value: there are `auth_data` and `key_password`. Pure.
 */
import type { DcsConfig } from '../../../config/config.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { CertificateFiles, CertificateSettings } from '../../tls/certificates.ts'
import { CITUS_GROUP, filesOf, isSet, isTruthy, type Resolved, type Section } from '../section-values.ts'
import type { Credential } from './link.ts'

/** Schemes that ZooKeeper itself has. What is written for one may be a password that was meant to be the value. */
const SCHEMES: readonly string[] = ['digest', 'ip', 'sasl', 'super', 'x509']

/** Returns a scheme of `auth_data` as it may be shown. */
export function shownScheme(scheme: string): string {
  return SCHEMES.includes(scheme) ? scheme : 'another scheme'
}

/** How an ensemble is reached, wherever its servers are found. */
export interface ZooKeeperAccess extends CertificateFiles {
  readonly tls: boolean
  /** Whether the certificate is verified, of which the name never is; of no meaning without TLS. */
  readonly verify: boolean
  readonly keyPassword: string | null
  readonly auth: readonly Credential[]
}

/** What the configurations have in common, wherever the servers are found. */
export interface ZooKeeperConfig<N extends string = string> extends DcsConfig, ZooKeeperAccess {
  readonly kind: N
  /** What all names begin with on the server: `/chroot`; empty: nothing. */
  readonly chroot: string
}

/** Returns what the settings of a section are called that name its certificate files. */
export function settingsOf(name: string): CertificateSettings {
  return { ca: `${name}.cacert`, cert: `${name}.cert`, key: `${name}.key` }
}

/** Returns how the servers are reached. */
export function accessIn(name: string, section: Section): Resolved<ZooKeeperAccess> {
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report = (list: Fault[], key: string | readonly string[], message: string): void =>
    void list.push({ path: [name, ...[key].flat()], message })
  if (isSet(section['group'])) report(faults, 'group', CITUS_GROUP)
  const tls = isTruthy(section['use_ssl'])
  const verify = section['verify'] === undefined || isTruthy(section['verify'])
  for (const key of ['use_ssl', 'verify'])
    if (typeof section[key] === 'string' && /^(?:false|no|off|0|n|f)$/i.test(section[key]))
      report(
        warnings,
        key,
        'is text, which Patroni takes for true whatever it is: write false without quotes, in the file',
      )
  // kazoo has no other name for it.
  const files = filesOf(name, { ...section, ca_cert: undefined }, tls, `set ${name}.use_ssl: true`)
  const hasPair = files.value.certFile !== null && files.value.keyFile !== null
  // kazoo shows a certificate only together with a file of its key.
  if (files.value.certFile !== null && !hasPair)
    report(warnings, 'cert', `not used without ${name}.key, which may be the same file`)
  const password = isSet(section['key_password']) ? section['key_password'] : null
  if (password !== null && typeof password !== 'string')
    report(faults, 'key_password', 'must be text: put it in quotes')
  const auth: Credential[] = []
  const data = section['auth_data'] ?? {}
  if (!isMapping(data)) report(faults, 'auth_data', 'must be a mapping like {digest: user:password}')
  else
    for (const [scheme, credential] of Object.entries(data)) {
      // The name of a scheme may be what was meant to be a credential.
      if (typeof credential !== 'string' || credential === '')
        report(faults, 'auth_data', 'must be a mapping like {digest: user:password}, with text for each scheme')
      else if (scheme === 'digest' && !/^[^:]+:./s.test(credential))
        report(faults, ['auth_data', 'digest'], 'must be like user:password')
      else auth.push({ scheme, credential })
    }
  const value = {
    tls,
    verify,
    caFile: files.value.caFile,
    certFile: hasPair ? files.value.certFile : null,
    keyFile: hasPair ? files.value.keyFile : null,
    keyPassword: hasPair && typeof password === 'string' ? password : null,
    auth,
  }
  return { value, faults: [...faults, ...files.faults], warnings: [...warnings, ...files.warnings] }
}
