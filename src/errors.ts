/** Stable codes: scripts and alerts may match on them. docs/operations.md has a row for each. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_UNREADABLE'
  | 'BIND_FAILED'
  | 'DCS_UNAVAILABLE'
  | 'DCS_STALE'
  | 'ADMIN_UNAVAILABLE'
  /** What was asked of a running router cannot be done: no such member, listener or session. */
  | 'ACT_REFUSED'
  | 'TEMPLATE_FAILED'
  | 'TIMEOUT'
  | 'INTERNAL'

/** An error of the router: a stable code, a message that names the subject and the value, and what caused it. */
export class RouterError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'RouterError'
    this.code = code
  }
}

/** What a failed socket or file operation means to the router, whatever errno says it. */
export type Failure =
  /** The peer answered that nothing listens there. */
  | 'refused'
  /** No answer in time, or no way to the host. */
  | 'unreachable'
  /** The peer broke off. */
  | 'reset'
  /** The name does not resolve. */
  | 'unresolved'
  /** This machine is out of descriptors, ports or memory: it says nothing about the peer. */
  | 'local'
  | 'in-use'
  | 'denied'
  | 'missing'
  | 'other'

const FAILURES: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'unreachable',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  EAI_NODATA: 'unresolved',
  ENODATA: 'unresolved',
  EAI_FAIL: 'unresolved',
  EMFILE: 'local',
  ENFILE: 'local',
  ENOBUFS: 'local',
  ENOMEM: 'local',
  EAI_MEMORY: 'local',
  EADDRNOTAVAIL: 'local',
  EADDRINUSE: 'in-use',
  EACCES: 'denied',
  EPERM: 'denied',
  ENOENT: 'missing',
}

/**
 * Returns Node's `code` of an error that has a meaning for the router, found along its `cause` chain (and in the first
 * of an AggregateError); null: there is none.
 */
export function errno(error: unknown): string | null {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    const code = codeOf(current)
    if (code !== null && Object.hasOwn(FAILURES, code)) return code
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return null
}

/** Returns the `code` of this very error, to show it; null: it has none. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** Returns what an error of Node means: the one interpretation of its codes in the router. */
export function failureOf(error: unknown): Failure {
  const code = errno(error)
  return (code === null ? undefined : FAILURES[code]) ?? 'other'
}

/** Returns whether there is nothing at a path: also if a file is where a directory on the way should be. */
export function isAbsent(error: unknown): boolean {
  return failureOf(error) === 'missing' || codeOf(error) === 'ENOTDIR'
}

/** Returns whether no file can be renamed over a path: a mount is there, or it is in another file system. */
export function isMount(error: unknown): boolean {
  return ['EBUSY', 'EXDEV'].includes(codeOf(error) ?? '')
}

/** Returns whether this machine has no IPv6, given why it could not listen on `::`. */
export function isWithoutIpv6(error: unknown): boolean {
  return errno(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'EAFNOSUPPORT'
}

const LOOKUP_CODES = { unknown: 'ENOTFOUND', silent: 'ETIMEOUT', failed: 'EAI_AGAIN' } as const

/** Makes an error like those of Node's `lookup`. `silent`: no DNS server answered in time. */
export function lookupError(host: string, reason: keyof typeof LOOKUP_CODES): NodeJS.ErrnoException {
  const code = LOOKUP_CODES[reason]
  return Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code, syscall: 'getaddrinfo', hostname: host })
}

/** Returns whether a name was looked up without an answer in time. */
export function isLookupTimeout(error: unknown): boolean {
  return codeOf(error) === LOOKUP_CODES.silent
}

/** Returns whether nothing has answered, by an error or its cause: no server runs there, or none can be reached from here. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof RouterError && error.code === 'TIMEOUT') return true
  if (isLookupTimeout(error) || codeOf(error) === LOOKUP_CODES.failed) return true
  if (['refused', 'unreachable'].includes(failureOf(error))) return true
  return error instanceof Error && error.cause !== undefined && isOutOfReach(error.cause)
}

/** Returns whether the DNS has answered that a name has no such records, or that there is no such name. */
export function isWithoutRecords(error: unknown): boolean {
  return ['ENOTFOUND', 'ENODATA'].includes(codeOf(error) ?? '')
}

/** Out of descriptors, ports or memory, or a firewall of this machine. */
const HERE: ReadonlySet<Failure> = new Set(['local', 'in-use', 'denied'])

/**
 * Returns whether a connection failed on this machine before anything could reach the peer: it says nothing about the
 * peer.
 */
export function failedHere(error: unknown): boolean {
  return HERE.has(failureOf(error))
}

/**
 * Returns what this machine has run out of, and what to do; null: the error means something else. `descriptors`: the
 * process's limit of open files, null where it is not known.
 */
export function shortage(error: unknown, descriptors: number | null): string | null {
  const limit = descriptors === null ? '' : ` (limit ${descriptors})`
  const shortages = new Map([
    ['EMFILE', `out of file descriptors${limit}, so new sessions fail: raise LimitNOFILE (two per session)`],
    ['ENFILE', 'the machine is out of file descriptors, so new sessions fail: raise fs.file-max'],
    ['EADDRNOTAVAIL', 'out of local ports, so new sessions fail: widen net.ipv4.ip_local_port_range'],
    ['ENOBUFS', 'the kernel is out of memory for sockets, so new sessions fail'],
    ['ENOMEM', 'the kernel is out of memory for sockets, so new sessions fail'],
  ])
  return shortages.get(errno(error) ?? '') ?? null
}

/** Returns one line for a person: the message of an error and of what caused it, without repetition. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (let current: unknown = error, depth = 0; (current ?? null) !== null && depth < 5; depth++) {
    const text =
      current instanceof Error ? current.message || current.name : typeof current === 'string' ? current : 'unknown'
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text)
    if (!(current instanceof Error)) break
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  // Node's note on where a connection would have come from.
  const text = parts.join(': ').replaceAll(' - Local (undefined:undefined)', '').replace(/\s+/g, ' ')
  return errno(error) !== 'EMFILE' || text.includes(OUT_OF_FILES) ? text : `${text} (${OUT_OF_FILES})`
}

const OUT_OF_FILES = 'out of file descriptors: raise LimitNOFILE'
