import { z } from 'zod'
import { isAbsolute } from 'node:path'
import type { LoggingConfig, Route } from './config.ts'
import { fitsSocket, parseBinds, parseTags, type ParsedParts } from './listeners.ts'
import { bad, good, isMapping, show, type Parsed } from './parsed.ts'
import { nearest, suggest, type Fault } from './problem.ts'
import { parseDuration, parseSize } from './units.ts'

export const DEFAULT_ADMIN_SOCKET = '/run/patroni-router/admin.sock'

const CHECK = {
  interval: optional(positive(parseDuration), 2000),
  fast_interval: optional(positive(parseDuration), 100),
  timeout: optional(positive(parseDuration), 1000),
  rise: optional(integer(1), 1),
  fall: optional(integer(1), 3),
}
const HOLD = {
  timeout: optional(parseDuration, 45_000),
  max_connections: optional(integer(1, '; to hold nobody set hold.timeout to 0'), 10_000),
}
const TIMEOUTS = {
  connect: optional(positive(parseDuration), 4000),
  client: optional(parseDuration, 1_800_000),
  server: optional(parseDuration, 1_800_000),
}
const ROUTES: readonly Route[] = ['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any']
/** What Patroni, HAProxy and habit call them. */
const ROUTE_SYNONYMS: Readonly<Record<string, Route>> = {
  ...{ leader: 'primary', master: 'primary', write: 'primary', 'read-write': 'primary', rw: 'primary' },
  ...{ standby: 'replica', slave: 'replica', secondary: 'replica', synchronous: 'sync', asynchronous: 'async' },
  ...{ read: 'read-only', ro: 'read-only', all: 'any', health: 'any' },
}
const LISTENER = {
  bind: parts(parseBinds),
  route: field(oneOf(ROUTES, [], ROUTE_SYNONYMS)),
  balance: optional(oneOf(['roundrobin'], null), 'roundrobin'),
  max_lag: optional(parseSize, null),
  tags: parts((value) => parseTags(value ?? {})),
  fallback: optional(oneOf(['none', 'primary']), 'none'),
  close_fallback: optional(boolean, false),
}
const PROXY = {
  listeners: z
    .record(z.string(), z.strictObject(LISTENER))
    .refine((listeners) => Object.keys(listeners).length > 0, 'at least one listener is needed')
    .nullish(),
  address: optional(oneOf(['conn_url', 'proxy_url']), 'conn_url'),
  check: section(CHECK),
  trust: optional(oneOf(['proof', 'dcs']), 'proof'),
  hold: section(HOLD),
  max_connections: optional(integer(0), 0),
  timeouts: section(TIMEOUTS),
  tcp_keepalive: optional(parseDuration, 15_000),
  drain_timeout: optional(parseDuration, 30_000),
}
const ADMIN = { socket: optional(socketPath, null) }
const ADMIN_LATER = {
  bind: later('; the admin socket is there'),
  token_file: later('; access to the admin socket is a matter of file permissions'),
}
const LEVELS: readonly LoggingConfig['level'][] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
const LOGGING = { level: optional(oneOf(LEVELS), 'info'), format: optional(oneOf(['json']), 'json') }

/** The sections of the router. Everything in them is checked; null is what an empty section is in YAML. */
const OURS = z.object({
  proxy: section(PROXY),
  admin: section({ ...ADMIN, ...ADMIN_LATER }),
  logging: section(LOGGING),
  state_dir: optional(absolutePath, null),
})

/** What can be suggested for an unknown key; `*` is the name of a listener. */
const SHAPES: Readonly<Record<string, object>> = {
  proxy: PROXY,
  'proxy.check': CHECK,
  'proxy.hold': HOLD,
  'proxy.timeouts': TIMEOUTS,
  'proxy.listeners.*': LISTENER,
  admin: ADMIN,
  logging: LOGGING,
}

export type OurSections = z.infer<typeof OURS>

/** Checks `proxy`, `admin`, `logging` and `state_dir` and completes them with the defaults; all faults at once. */
export function parseOurs(tree: Readonly<Record<string, unknown>>): { value: OurSections | null; faults: Fault[] } {
  const { success, data, error } = OURS.safeParse(tree)
  return { value: success ? data : null, faults: success ? [] : error.issues.flatMap((issue) => faultsOf(issue, tree)) }
}

function faultsOf(issue: z.core.$ZodIssue, tree: unknown): Fault[] {
  const path = issue.path.map(String)
  const value = path.reduce<unknown>((node, key) => (isMapping(node) ? node[key] : undefined), tree)
  if (issue.code === 'unrecognized_keys') {
    const pattern = path.map((key, depth) => (depth === 2 ? '*' : key)).join('.')
    const valid = Object.keys(SHAPES[pattern] ?? {})
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key; ${suggest(key, valid)}` }))
  }
  const message = issue.code === 'invalid_type' ? `must be a mapping, not ${show(value)}` : issue.message
  return [{ path, message }]
}

function section<T extends z.core.$ZodShape>(shape: T) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape))
}

/** A required value with a parser of ours, whose message is complete. */
export function field<T>(parse: (value: unknown) => Parsed<T>) {
  return z.unknown().transform(transformation(parse))
}

/** A key without a value (`timeout:`) is one that is not there. */
export function optional<T, const D>(parse: (value: unknown) => Parsed<T>, fallback: D) {
  return z
    .unknown()
    .optional()
    .transform(
      transformation<T | D>((value) => (value === undefined || value === null ? good(fallback) : parse(value))),
    )
}

/** A value whose parts have places of their own. */
function parts<T>(parse: (value: unknown) => ParsedParts<T>) {
  return z
    .unknown()
    .optional()
    .transform((input, context): T => {
      const { value, faults } = parse(input)
      for (const { path, message } of faults) context.addIssue({ code: 'custom', message, input, path: [...path] })
      return value ?? z.NEVER
    })
}

function transformation<T>(parse: (value: unknown) => Parsed<T>) {
  return (value: unknown, context: z.RefinementCtx): T => {
    const parsed = parse(value)
    if (parsed.ok) return parsed.value
    context.addIssue({ code: 'custom', message: parsed.message, input: value })
    return z.NEVER
  }
}

function later(advice = '') {
  return optional((): Parsed<null> => bad(`not available in this version: remove it${advice}`), null)
}

function positive(parse: (value: unknown) => Parsed<number>) {
  return (value: unknown): Parsed<number> => {
    const parsed = parse(value)
    return parsed.ok && parsed.value === 0 ? bad('must be longer than 0') : parsed
  }
}

function integer(min: number, advice = '') {
  return (value: unknown): Parsed<number> =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min
      ? good(value)
      : bad(`${show(value)} is not a whole number of ${min} or more${advice}`)
}

/** One of `valid`; one of `planned` (null: anything else) is refused as not there yet. */
function oneOf<const T extends string>(
  valid: readonly T[],
  planned: readonly string[] | null = [],
  synonyms: Readonly<Record<string, T>> = {},
) {
  return (value: unknown): Parsed<T> => {
    const found = valid.find((word) => word === value)
    if (found !== undefined) return good(found)
    const options = `${valid.length > 1 ? 'one of ' : ''}${valid.join(', ')}`
    if (value === undefined || value === null) return bad(`is required: ${options}`)
    if (typeof value === 'string' && (planned === null || planned.includes(value)))
      return bad(`${show(value)} is not available in this version: use ${options}`)
    const word = typeof value === 'string' ? value.trim().toLowerCase().replaceAll('_', '-') : ''
    const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined
    const near = synonym ?? nearest(word, [...valid, ...(planned ?? [])])
    return bad(`${show(value)} is not ${options}${near === null ? '' : `; did you mean "${near}"?`}`)
  }
}

function boolean(value: unknown): Parsed<boolean> {
  return typeof value === 'boolean' ? good(value) : bad('must be true or false, without quotes')
}

function absolutePath(value: unknown): Parsed<string> {
  if (value === '') return bad('is empty: an absolute path is needed')
  return typeof value === 'string' && isAbsolute(value) ? good(value) : bad(`${show(value)} is not an absolute path`)
}

function socketPath(value: unknown): Parsed<string> {
  const path = absolutePath(value)
  return path.ok ? fitsSocket(path.value) : path
}
