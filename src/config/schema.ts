import { z } from 'zod'
import type { LoggingConfig } from './config.ts'
import { parseBind } from './listeners.ts'
import { bad, good, isMapping, show, type Parsed } from './parsed.ts'
import { nearest, suggest, type Fault } from './problem.ts'
import { parseDuration } from './units.ts'

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
const LISTENER = {
  bind: field(parseBind),
  route: field(oneOf(['primary', 'replica'], ['sync', 'async', 'read-only', 'standby-leader', 'any'])),
  balance: optional(oneOf(['roundrobin'], null), 'roundrobin'),
  fallback: optional(oneOf(['none'], ['primary']), 'none'),
}
const LISTENER_LATER = { max_lag: later(), tags: later() }
const PROXY = {
  listeners: z
    .record(z.string(), z.strictObject({ ...LISTENER, ...LISTENER_LATER }))
    .refine((listeners) => Object.keys(listeners).length > 0, 'at least one listener is needed')
    .nullish(),
  address: optional(oneOf(['conn_url'], ['proxy_url']), 'conn_url'),
  check: section(CHECK),
  trust: optional(oneOf(['proof'], ['dcs']), 'proof'),
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

/** Checks `proxy`, `admin` and `logging` and completes them with the defaults; all faults at once. */
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
function oneOf<const T extends string>(valid: readonly T[], planned: readonly string[] | null = []) {
  return (value: unknown): Parsed<T> => {
    const found = valid.find((word) => word === value)
    if (found !== undefined) return good(found)
    const options = `${valid.length > 1 ? 'one of ' : ''}${valid.join(', ')}`
    if (value === undefined || value === null) return bad(`is required: ${options}`)
    if (typeof value === 'string' && (planned === null || planned.includes(value)))
      return bad(`${show(value)} is not available in this version: use ${options}`)
    const near = typeof value === 'string' ? nearest(value, [...valid, ...(planned ?? [])]) : null
    return bad(`${show(value)} is not ${options}${near === null ? '' : `; did you mean "${near}"?`}`)
  }
}

function socketPath(value: unknown): Parsed<string> {
  if (typeof value !== 'string' || !value.startsWith('/')) return bad(`${show(value)} is not an absolute path`)
  // sun_path: 108 bytes with the final NUL.
  return Buffer.byteLength(value) <= 107 ? good(value) : bad('is too long: a socket path has at most 107 bytes')
}
