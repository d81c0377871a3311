/** The section `zookeeper`, as patroni/dcs/zookeeper.py and its library kazoo read it. No message shows a value. Pure. */
import type { DcsResult } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { type Entry, entriesOf } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import { type AddressWords, parseEndpoint } from '../address.ts'
import { EMPTY, isSet, type Resolved, type Section } from '../section-values.ts'
import { accessIn, type ZooKeeperConfig } from '../zookeeper-common/section.ts'

export interface NamedServersConfig extends ZooKeeperConfig<typeof NAME> {
  /** `host:port`, IPv6 in brackets. */
  readonly endpoints: readonly string[]
}

export const NAME = 'zookeeper'

const WORDS: AddressWords = {
  port: 2181,
  cutOff: '',
  login: 'those are zookeeper.auth_data',
  several: 'zookeeper.hosts',
}

const NO_HOSTS = 'no address of ZooKeeper: set zookeeper.hosts or PATRONI_ZOOKEEPER_HOSTS'

/** Parses the section. */
export function resolveZooKeeper(section: unknown): DcsResult<NamedServersConfig> {
  if (!isMapping(section)) {
    const message = section === null ? `${EMPTY}: set zookeeper.hosts` : 'must be a mapping, with the key hosts'
    return { value: null, faults: [{ path: [NAME], message }], warnings: [] }
  }
  const warnings: Fault[] = []
  const hosts = hostsIn(section)
  if (isSet(section['exhibitor']))
    warnings.push({ path: [NAME, 'exhibitor'], message: 'not used: Patroni has a section exhibitor for it' })
  const access = accessIn(NAME, section)
  const faults = [...hosts.faults, ...access.faults]
  warnings.push(...access.warnings)
  if (faults.length > 0) return { value: null, faults, warnings }
  return { value: { kind: NAME, ...hosts.value, ...access.value }, faults, warnings }
}

/** Returns the servers and the chroot, which kazoo takes from behind the first slash of all hosts in one text. */
function hostsIn({ hosts }: Section): Resolved<Pick<NamedServersConfig, 'endpoints' | 'chroot'>> {
  const faults: Fault[] = []
  const report = ({ path }: Pick<Entry, 'path'>, message: string): void =>
    void faults.push({ path: [NAME, 'hosts', ...path], message })
  const entries = isSet(hosts) ? entriesOf(hosts) : []
  if (entries.length === 0) report({ path: [] }, NO_HOSTS)
  const endpoints: string[] = []
  let chroot = ''
  for (const [index, entry] of entries.entries()) {
    const [, address = '', behind = null] =
      typeof entry.value === 'string' ? (/^([^/]*)(\/.*)?$/s.exec(entry.value) ?? []) : []
    if (typeof entry.value !== 'string') report(entry, 'must be text like 10.0.0.1:2181')
    else if (/^[a-z]+:\/\//i.test(entry.value)) report(entry, 'must be without a scheme: TLS is zookeeper.use_ssl')
    else if (behind !== null && index < entries.length - 1)
      report(entry, 'must be without a path: the chroot stands once, behind the last host')
    else {
      const parsed = parseEndpoint(address, WORDS)
      if (parsed.ok) endpoints.push(parsed.value.endpoint)
      else report(entry, parsed.message)
      if (behind !== null && !isPath(behind)) report(entry, 'must have a chroot like /patroni')
      else if (behind !== null) chroot = behind.replace(/\/$/, '')
    }
  }
  return { value: { endpoints: [...new Set(endpoints)], chroot }, faults, warnings: [] }
}

/** Returns whether ZooKeeper takes it for the name of a node (PathUtils.java), but for a slash at the end. */
function isPath(path: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}\p{Cs}\p{Co}\ufff0-\uffff]+)*\/?$/u.test(path)
}
