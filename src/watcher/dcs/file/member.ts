/** One member of a cluster file, as the value of its key in the DCS. */
import { isIPv4, isIPv6 } from 'node:net'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { suggest } from '../../../text/suggestion.ts'
import { parseMember } from '../../members/member.ts'

/** Shorthand for conn_url, as `patronictl list` shows an address. */
const ADDRESS = ['host', 'port']
/** What Patroni writes into the key of a member (ha.py, touch_member) and means something to the router. */
const USED = [
  ...['conn_url', 'api_url', 'proxy_url', 'role', 'state', 'timeline', 'tags', 'version', 'pending_restart'],
  ...['xlog_location', 'replay_lsn', 'replication_state'],
]
/** What else it writes there, so that the value of a key can be pasted. */
const UNUSED = ['receive_lsn', 'pending_restart_reason', 'checkpoint_after_promote', 'scheduled_restart', 'pause']
const VALID: readonly string[] = [...ADDRESS, ...USED, ...UNUSED]

const ROLES = ['primary', 'master', 'replica', 'standby_leader', 'promoted', 'demoted', 'uninitialized']

/** `patronictl list` shows these as the state of a replica that is running. */
const REPLICATION_STATES = ['streaming', 'in archive recovery']

type Section = Readonly<Record<string, unknown>>
/** `keys`: below the member. */
type Report = (keys: readonly string[], message: string) => void

/**
 * Returns the value of the key `members/NAME`, and what is wrong with it; no fault shows an address. `role`: where none
 * is given.
 */
export function memberValue(name: string, section: unknown, role: string): { value: string; faults: readonly Fault[] } {
  const path = ['members', name]
  const faults: Fault[] = []
  const report: Report = (keys, message) => faults.push({ path: [...path, ...keys], message })
  if (!isMapping(section)) {
    report([], 'must be a mapping with host and port, or conn_url')
    return { value: '', faults }
  }
  for (const key of Object.keys(section).filter((key) => !VALID.includes(key)))
    report([key], `unknown key; ${suggest(key, VALID.slice(0, VALID.length - UNUSED.length))}`)
  checkTexts(section, report)
  checkUrls(section, report)
  checkNumbers(section, report)
  checkTags(section['tags'] ?? null, report)
  if (isSet(section, 'role') && !ROLES.some((known) => known === section['role']))
    report(['role'], `must be one of ${ROLES.join(', ')}`)
  if (isSet(section, 'pending_restart') && typeof section['pending_restart'] !== 'boolean')
    report(['pending_restart'], 'must be true or false, without quotes')
  const connUrl = connUrlOf(section, report)
  const used = Object.fromEntries(USED.filter((key) => isSet(section, key)).map((key) => [key, section[key]]))
  const shown = REPLICATION_STATES.find((state) => state === section['state'])
  const state = shown === undefined ? {} : { state: 'running', replication_state: shown }
  const value = JSON.stringify({ role, state: 'running', ...used, ...state, conn_url: connUrl })
  // The last word has the parser of the real keys: what it would ignore is not accepted here.
  const member = faults.length > 0 ? null : parseMember(name, value)
  if (typeof member === 'string') {
    const key = VALID.find((key) => member.startsWith(`${key} `))
    report(key === undefined ? [] : [key], key === undefined ? member : member.slice(key.length + 1))
  }
  return { value, faults }
}

function isSet(section: Section, key: string): boolean {
  return (section[key] ?? null) !== null
}

function checkTexts(section: Section, report: Report): void {
  for (const key of ['conn_url', 'api_url', 'proxy_url', 'state', 'version', 'replication_state']) {
    const value = section[key] ?? null
    if (value !== null && (typeof value !== 'string' || value === '')) report([key], 'must be text: put it in quotes')
  }
}

/** Refuses user and password in URLs: the router needs neither, and a file without them cannot leak them. */
function checkUrls(section: Section, report: Report): void {
  for (const key of ['conn_url', 'api_url', 'proxy_url']) {
    const value = section[key]
    if (typeof value === 'string' && /^[^/?#]*\/\/[^/?#]*@/.test(value))
      report([key], 'must be without user and password')
  }
}

function checkNumbers(section: Section, report: Report): void {
  for (const key of ['timeline', 'xlog_location', 'replay_lsn']) {
    const value = section[key] ?? null
    const isRight = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    if (value !== null && !isRight) report([key], 'must be a whole number of 0 or more')
  }
}

function checkTags(tags: unknown, report: Report): void {
  if (tags === null) return
  if (!isMapping(tags)) {
    report(['tags'], 'must be a mapping')
    return
  }
  for (const [tag, value] of Object.entries(tags)) {
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) continue
    report(['tags', tag], 'must be text, a number, true or false')
  }
}

function connUrlOf(section: Section, report: Report): unknown {
  const shorthand = ADDRESS.filter((key) => isSet(section, key))
  if (isSet(section, 'conn_url')) {
    for (const key of shorthand) report([key], 'conn_url is there too: keep one of them')
    return section['conn_url']
  }
  const { host = null } = section
  const port = section['port'] ?? 5432
  if (host === null) report([], 'has no address: host and port, or conn_url, are needed')
  else if (typeof host !== 'string' || !isHost(host))
    report(['host'], 'must be a name or an IP address, without a port')
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536
  if (!isPort) report(['port'], 'must be a port, 1 to 65535')
  return typeof host === 'string' && isPort ? `postgres://${isIPv6(host) ? `[${host}]` : host}:${port}/postgres` : null
}

function isHost(host: string): boolean {
  const name = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (isIPv6(name)) return true
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(host) && (isIPv4(host) || !/^[\d.]+$/.test(host))
}
