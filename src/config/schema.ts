/** The sections of the router, and what is wrong with each of their keys. */
import { z } from 'zod'
import { suggest } from '../text/suggestion.ts'
import { isMapping, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import { ADMIN, ADMIN_SECTION } from './admin.ts'
import { TLS } from './admin-http.ts'
import { clusterKeys } from './clusters/clusters.ts'
import type { DcsSection } from './dcs/kind.ts'
import type { LoggingConfig } from './config.ts'
import type { Fault } from './file/problem.ts'
import { LISTENER } from './proxy/listeners.ts'
import { CHECK, CLUSTER_PROXY, CLUSTER_PROXY_SECTION, HOLD, PROXY, PROXY_SECTION, TIMEOUTS } from './proxy/proxy.ts'
import { DEBOUNCE, TEMPLATE, TEMPLATES } from './templates/templates.ts'
import { HOOK, HOOKS } from './templates/hooks.ts'
import { TRACK, TRACK_FILE, TRACK_SECTION } from './track.ts'
import { defaulting, optional, section } from './values/fields.ts'
import { showKind } from './values/parsed.ts'
import { ABSOLUTE_PATH, BOOLEAN, oneOf } from './values/types.ts'

/** What else an entry of `clusters` can have is checked where that of the flat form is. */
const CLUSTER = z.preprocess((value) => value ?? {}, z.looseObject({ proxy: CLUSTER_PROXY_SECTION }))
const LEVELS: readonly LoggingConfig['level'][] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
const FORMATS: readonly LoggingConfig['format'][] = ['auto', 'json', 'text']
const LOGGING = {
  level: defaulting(
    oneOf(LEVELS),
    'info',
    'Lowest level that is logged. `debug` adds each answer of a member that differs from the one before, each change in the DCS, and each failed connect to a member.',
  ),
  format: defaulting(
    oneOf(FORMATS),
    'auto',
    '`text`: one line for each entry, to be read by people. `json`: one object on each line. `auto`: `text` on a terminal, else `json`. Times are UTC.',
  ),
  connections: defaulting(
    BOOLEAN,
    false,
    'One line for each connection of a client when it ends, also a refused one: [the connection log](operations.md#the-connection-log). It does not depend on `logging.level`.',
  ),
}

/** The sections of the router. Everything in them is checked; null is what an empty section is in YAML. */
export const OURS = z.object({
  proxy: PROXY_SECTION,
  admin: ADMIN_SECTION,
  logging: section(LOGGING, 'The log, on standard output.'),
  state_dir: optional(
    ABSOLUTE_PATH,
    'Absolute path of a directory that keeps the last known cluster, for a start while the DCS is down, the events of earlier runs, drained members and holds, and what templates have under way: pending reloads and groups of files.',
  ),
  templates: TEMPLATES,
  hooks: HOOKS,
  track: TRACK_SECTION,
  clusters: z.record(z.string(), CLUSTER).nullish().meta({
    description:
      'Several clusters, by name. A section at the top of the file counts for each cluster that has no such section of its own.',
  }),
})

/** What can be suggested for an unknown key; `*` is the name of a listener or a cluster, or a place in a list. */
const SHAPES: Readonly<Record<string, object>> = {
  proxy: PROXY,
  'proxy.check': CHECK,
  'proxy.hold': HOLD,
  'proxy.timeouts': TIMEOUTS,
  'proxy.listeners.*': LISTENER,
  admin: ADMIN,
  'admin.*': TLS,
  logging: LOGGING,
  'templates.*': TEMPLATE,
  'templates.*.debounce': DEBOUNCE,
  'hooks.*': HOOK,
  track: TRACK,
  'track.files.*': TRACK_FILE,
  'clusters.*.proxy': CLUSTER_PROXY,
  'clusters.*.proxy.check': CHECK,
}

/** What they are called by confd, consul-template and habit, and what to write instead. */
const OTHER_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  admin: {
    path: 'socket',
    address: 'bind',
    listen: 'bind',
    port: 'bind',
    tokens: 'token_file',
    perms: 'mode',
    permissions: 'mode',
    gid: 'group',
  },
  'admin.*': {
    cert: 'cert_file',
    certificate: 'cert_file',
    certfile: 'cert_file',
    key: 'key_file',
    keyfile: 'key_file',
  },
  'templates.*': {
    ...{ src: 'source', dest: 'destination', dst: 'destination', target: 'destination', check_cmd: 'check' },
    ...{ reload_cmd: 'reload', command: 'reload', user: 'owner', uid: 'owner', gid: 'group', perms: 'mode' },
    ...{ wait: 'debounce', key: 'keys', cwd: 'working_dir', working_directory: 'working_dir', environment: 'env' },
  },
  'hooks.*': {
    ...{ run: 'command', cmd: 'command', exec: 'command', state: 'on', states: 'on', when: 'on' },
    ...{ cwd: 'working_dir', working_directory: 'working_dir', environment: 'env' },
  },
  'track.files.*': { file: 'path', destination: 'path', on: 'when', condition: 'when', name: 'member' },
}

export type OurSections = z.infer<typeof OURS>

/** Checks the sections of the router and completes them with the defaults; all faults at once. */
export function parseOurs(tree: Mapping, kinds: readonly DcsSection[]): { value: OurSections | null; faults: Fault[] } {
  const { success, data, error } = OURS.safeParse(tree)
  const faults = success ? [] : error.issues.flatMap((issue) => faultsOf(issue, tree))
  const strange = Object.entries(mappingOf(tree['clusters'])).flatMap(([name, entry]) => {
    const known = [...clusterKeys(kinds), 'proxy']
    const unknown = Object.keys(mappingOf(entry)).filter((key) => !known.includes(key))
    return unknown.map((key) => ({ path: ['clusters', name, key], message: `unknown key; ${suggest(key, known)}` }))
  })
  return { value: success ? data : null, faults: [...faults, ...strange] }
}

function faultsOf(issue: z.core.$ZodIssue, tree: unknown): Fault[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const open = path[0] === 'proxy' || path[0] === 'track' ? 2 : 1
    const pattern = path.map((key, depth) => (depth === open ? '*' : key)).join('.')
    const valid = Object.keys(SHAPES[pattern] ?? {})
    const words = OTHER_WORDS[pattern] ?? {}
    const hint = (key: string): string =>
      Object.hasOwn(words, key) ? `did you mean "${words[key] ?? ''}"?` : suggest(key, valid)
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key; ${hint(key)}` }))
  }
  if (issue.code !== 'invalid_type') return [{ path, message: issue.message }]
  const value = path.reduce<unknown>((node, key) => childOf(node, key), tree)
  const needed = issue.expected === 'array' ? 'a list, each of its entries behind a dash' : 'a mapping'
  return [{ path, message: `must be ${needed}, not ${showKind(value)}` }]
}

function childOf(node: unknown, key: string): unknown {
  if (Array.isArray(node)) return node[Number(key)]
  return isMapping(node) ? node[key] : undefined
}
