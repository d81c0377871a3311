/**
 * Where DNS names the members of etcd: `srv` and its other names, with the precedence of patroni/dcs/etcd.py
 * (`get_etcd_client`, `_get_machines_cache_from_config`). The records are looked up elsewhere. Pure.
 */
import type { Fault } from '../../../config/file/problem.ts'
import { isSet } from '../section-values.ts'

export interface Discovery {
  /** `example.org` of `_etcd-client._tcp.example.org`. */
  readonly domain: string
  /** `test` of `_etcd-client-test._tcp.example.org`; null: there is none. */
  readonly suffix: string | null
}

/** Patroni copies each over the one before, even one without a value. */
const NAMES = ['srv', 'discovery_srv', 'srv_domain'] as const
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?'
/** A name that is not made of digits and dots alone, short enough for what the names of records have before it. */
export const DOMAIN = `^(?!.{184})(?![\\d.]+$)${LABEL}(?:\\.${LABEL})*\\.?$`
/** What leaves room for `_etcd-client-ssl-` in a label. */
export const SUFFIX = '^[A-Za-z0-9_-]{1,46}$'

/** Returns the discovery of a section of this name; `value` null: there is none, or `proxy` goes over it. */
export function srvOf(
  name: string,
  section: Readonly<Record<string, unknown>>,
): { readonly value: Discovery | null; readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] } {
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report = (list: Fault[], key: string, message: string): void => void list.push({ path: [name, key], message })
  const written = NAMES.filter((key) => isSet(section[key]))
  if (written.length === 0) {
    if (isSet(section['srv_suffix'])) report(warnings, 'srv_suffix', `not used without ${name}.srv`)
    return { value: null, faults, warnings }
  }
  if (isSet(section['proxy'])) {
    for (const key of written) report(warnings, key, `not used: ${name}.proxy takes precedence`)
    return { value: null, faults, warnings }
  }
  const used = NAMES.findLast((key) => section[key] !== undefined) ?? 'srv'
  for (const key of written.filter((key) => key !== used))
    report(warnings, key, `not used: ${name}.${used} takes precedence`)
  const { [used]: domain, srv_suffix: suffix } = section
  if (!isSet(domain)) report(faults, used, 'is empty, and yet Patroni takes it for the domain: remove it')
  else if (typeof domain !== 'string' || !new RegExp(DOMAIN).test(domain))
    report(faults, used, 'must be the name of a domain like example.org, whose SRV records name the members of etcd')
  if (isSet(suffix) && (typeof suffix !== 'string' || !new RegExp(SUFFIX).test(suffix)))
    report(faults, 'srv_suffix', 'must be a part of a name like main, of _etcd-client-main._tcp.example.org')
  if (faults.length > 0) return { value: null, faults, warnings }
  return { value: { domain: String(domain), suffix: isSet(suffix) ? String(suffix) : null }, faults, warnings }
}
