/** The section `exhibitor`, as patroni/dcs/exhibitor.py reads it; all but where the servers are is that of `zookeeper`. Pure. */
import { isIPv6 } from 'node:net'
import type { DcsResult } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { HOST } from '../../../config/values/form.ts'
import { entriesOf } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import { EMPTY, isSet, portOf } from '../section-values.ts'
import { accessIn, type ZooKeeperConfig } from '../zookeeper-common/section.ts'

export interface ExhibitorConfig extends ZooKeeperConfig<typeof NAME> {
  /** Of Exhibitor: without ports, IPv6 without brackets. */
  readonly hosts: readonly string[]
  readonly port: number
  /** How often the list of servers is read. Milliseconds. */
  readonly pollMs: number
}

export const NAME = 'exhibitor'

/** exhibitor.py, `__init__`. Seconds. */
const POLL_S = 300

/** Parses the section. */
export function resolveExhibitor(section: unknown): DcsResult<ExhibitorConfig> {
  if (!isMapping(section)) {
    const message =
      section === null
        ? `${EMPTY}: set exhibitor.hosts and exhibitor.port`
        : 'must be a mapping, with the keys hosts and port'
    return { value: null, faults: [{ path: [NAME], message }], warnings: [] }
  }
  const faults: Fault[] = []
  const report = (path: readonly string[], message: string): void =>
    void faults.push({ path: [NAME, ...path], message })
  const hosts: string[] = []
  const entries = isSet(section['hosts']) ? entriesOf(section['hosts']) : []
  if (entries.length === 0) report(['hosts'], 'no address of Exhibitor: set exhibitor.hosts or PATRONI_EXHIBITOR_HOSTS')
  else if (typeof section['hosts'] === 'string') report(['hosts'], 'must be a list: with text Patroni does not start')
  else
    for (const { path, value } of entries) {
      const host = typeof value === 'string' ? value.replace(/^\[(.*)\]$/, '$1') : ''
      if (isIPv6(host) || new RegExp(`^${HOST}$`).test(host)) hosts.push(host)
      else report(['hosts', ...path], 'must be a host name or an address, without a port: that is exhibitor.port')
    }
  const port = portOf(section['port'])
  if (!isSet(section['port'])) report(['port'], 'is required: the port of Exhibitor (or PATRONI_EXHIBITOR_PORT)')
  else if (port === null) report(['port'], 'must be a port, 1 to 65535')
  const interval = isSet(section['poll_interval']) ? section['poll_interval'] : POLL_S
  const isInterval = typeof interval === 'number' && interval >= 0
  if (!isInterval) report(['poll_interval'], 'must be a number of seconds, without quotes')
  const access = accessIn(NAME, section)
  faults.push(...access.faults)
  const { warnings } = access
  if (faults.length > 0 || port === null || !isInterval) return { value: null, faults, warnings }
  const place = { hosts, port, pollMs: interval * 1000, chroot: '' }
  return { value: { kind: NAME, ...place, ...access.value }, faults, warnings }
}
