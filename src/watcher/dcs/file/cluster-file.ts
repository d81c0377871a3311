/**
 * A cluster that a person describes in YAML, in the words of Patroni's keys in the DCS. Strict where Patroni's keys are
 * read tolerantly: this is a person's work, and a slip in it should be reported and not guessed at.
 */
import { good, bad, type Parsed, show, showKind } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import { besides, type Fault, shownPath, type Problem, type Place } from '../../../config/file/problem.ts'
import { suggest } from '../../../text/suggestion.ts'
import { DYNAMIC } from '../../../config/sections.ts'
import { MISREAD, parseYaml } from '../../../config/file/yaml.ts'
import { memberValue } from './member.ts'

/** `keys`: the keys of the DCS that mean the same, for `parseCluster`; equal files have equal ones, in the same order. */
export type ClusterFile =
  | { readonly ok: true; readonly keys: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problems: readonly Problem[] }

type Section = Readonly<Record<string, unknown>>

const TOP = ['leader', 'initialize', 'config', 'sync', 'members']
const SYNC = ['leader', 'sync_standby', 'quorum']

/** Patroni's dynamic configuration (docs/dynamic_configuration.rst), so that `patronictl show-config` can be pasted. */
const CONFIG: readonly string[] = [...DYNAMIC, 'postgresql']
const STANDBY_CLUSTER: readonly string[] = [
  ...['host', 'port', 'restore_command', 'primary_slot_name', 'create_replica_methods', 'archive_cleanup_command'],
  'recovery_min_apply_delay',
]

/**
 * Understands the text of a cluster file; `file` is its name in the problems. Pure. All problems at once, unless it is
 * not YAML; none shows a value that can be a secret.
 */
export function parseClusterFile(text: string, file: string): ClusterFile {
  const yaml = parseYaml(text)
  if (!yaml.ok) return { ok: false, problems: yaml.errors.map((error) => ({ file, path: '', ...error })) }
  const root = yaml.value
  if (!isMapping(root)) {
    const message = root === null || root === undefined ? 'is empty' : `must be a mapping, not ${showKind(root)}`
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message: `${message}: members are needed` }] }
  }
  const faults: Fault[] = yaml.duplicates.map(({ path }) => ({ path, message: 'is written twice' }))
  faults.push(...unknownKeys([], root, TOP))
  const names = namesOf(root['members'], faults)
  const leader = take(['leader'], root['leader'], (value) => nameIn(value, names), faults)
  const initialize = take(['initialize'], root['initialize'], systemIdOf, faults)
  const config = configOf(root['config'], faults)
  const sync = syncOf(root['sync'], names, faults)
  const keys = new Map<string, string>()
  for (const [key, value] of Object.entries({ leader, initialize, config, sync }))
    if (value !== null) keys.set(key, value)
  const standby = isMapping(root['config']) && isMapping(root['config']['standby_cluster'])
  for (const name of names) {
    const role = name !== leader ? 'replica' : standby ? 'standby_leader' : 'primary'
    const member = memberValue(name, isMapping(root['members']) ? root['members'][name] : null, role)
    faults.push(...member.faults)
    keys.set(`members/${name}`, member.value)
  }
  faults.push(...besides(yaml.misread, faults).map(({ path }) => ({ path, message: MISREAD })))
  if (faults.length === 0) return { ok: true, keys }
  return { ok: false, problems: inOrder(faults.map((fault) => place(fault, file, yaml.locate))) }
}

function namesOf(members: unknown, faults: Fault[]): readonly string[] {
  if (!isMapping(members) || Object.keys(members).length === 0) {
    faults.push({ path: ['members'], message: 'is required: a mapping with an entry for each member' })
    return []
  }
  return Object.keys(members).sort()
}

/**
 * Parses a system identifier. A number above 2^53 has been changed by the time it is seen here, so only text will do.
 */
function systemIdOf(value: unknown): Parsed<string> {
  return typeof value === 'string' && /^\d{1,20}$/.test(value)
    ? good(value)
    : bad(`must be the system identifier in quotes, like '7268616322854375442'`)
}

function nameIn(value: unknown, names: readonly string[], caseMatters = true): Parsed<string> {
  if (typeof value !== 'string' || value === '') return bad('must be the name of a member: put it in quotes')
  const same = (name: string): boolean => name === value || (!caseMatters && name.toLowerCase() === value.toLowerCase())
  if (names.some(same)) return good(value)
  return bad(`${show(value)} is not one of the members${names.length === 0 ? '' : `; ${suggest(value, names)}`}`)
}

function configOf(config: unknown, faults: Fault[]): string | null {
  const section = sectionOf(['config'], config, CONFIG, faults)
  if (section === null) return null
  const standby = sectionOf(['config', 'standby_cluster'], section['standby_cluster'], STANDBY_CLUSTER, faults)
  const makesOne = ['host', 'port', 'restore_command'].filter((key) => Boolean(standby?.[key]))
  if (standby !== null && makesOne.length === 0) {
    const message = 'needs host, port or restore_command: without them it is no standby cluster'
    faults.push({ path: ['config', 'standby_cluster'], message })
  }
  const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 1e9
  return JSON.stringify({
    pause: take(['config', 'pause'], section['pause'], booleanOf, faults) ?? false,
    ttl: take(
      ['config', 'ttl'],
      section['ttl'],
      (ttl) => (isPositive(ttl) ? good(ttl) : bad('must be seconds')),
      faults,
    ),
    // The cluster that it follows does not matter here.
    ...(standby === null ? {} : { standby_cluster: { host: 'another cluster' } }),
  })
}

function syncOf(sync: unknown, names: readonly string[], faults: Fault[]): string | null {
  const section = sectionOf(['sync'], sync, SYNC, faults)
  if (section === null) return null
  const { leader, sync_standby: standby = null } = section
  if ((leader ?? null) === null)
    faults.push({
      path: ['sync', 'leader'],
      message: 'is required: without it Patroni treats no member as synchronous',
    })
  const path = ['sync', 'sync_standby']
  const standbys: readonly unknown[] =
    standby === null
      ? []
      : typeof standby === 'string'
        ? standby.split(',')
        : Array.isArray(standby)
          ? standby
          : [standby]
  // PostgreSQL, and so this key, does not tell upper from lower case.
  const name = (value: unknown): Parsed<string> =>
    nameIn(typeof value === 'string' ? value.trim() : value, names, false)
  return JSON.stringify({
    leader: take(['sync', 'leader'], leader, (value) => nameIn(value, names), faults),
    sync_standby: standbys.map((each) => take(path, each, name, faults) ?? '').join(','),
  })
}

function booleanOf(value: unknown): Parsed<boolean> {
  return typeof value === 'boolean' ? good(value) : bad('must be true or false, without quotes')
}

/** Takes the value of a key. A key without a value (`leader:`) is one that is not there. */
function take<T>(
  path: readonly string[],
  value: unknown,
  parse: (value: unknown) => Parsed<T>,
  faults: Fault[],
): T | null {
  if (value === undefined || value === null) return null
  const parsed = parse(value)
  if (parsed.ok) return parsed.value
  faults.push({ path, message: parsed.message })
  return null
}

function sectionOf(path: readonly string[], value: unknown, valid: readonly string[], faults: Fault[]): Section | null {
  if (value === undefined || value === null) return null
  if (!isMapping(value)) {
    faults.push({ path, message: 'must be a mapping' })
    return null
  }
  faults.push(...unknownKeys(path, value, valid))
  return value
}

/** Returns a fault for each key that is not among `valid`. */
export function unknownKeys(path: readonly string[], section: Section, valid: readonly string[]): Fault[] {
  return Object.keys(section)
    .filter((key) => !valid.includes(key))
    .map((key) => ({ path: [...path, key], message: `unknown key; ${suggest(key, valid)}` }))
}

function place({ path, message }: Fault, file: string, locate: (path: readonly string[]) => Place | null): Problem {
  const { line, column } = locate(path) ?? { line: 1, column: 1 }
  return { file, line, column, path: shownPath(path), message }
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
