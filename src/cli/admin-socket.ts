/** Which socket a command asks. */
import { existsSync, readFileSync } from 'node:fs'
import { DEFAULT_ADMIN_SOCKET, DEFAULT_CONFIG_FILE } from '../config/defaults.ts'
import type { Io } from './io.ts'

const ADVICE = 'To ask the router nevertheless, name its socket with --socket PATH\n'

/**
 * The socket that the configuration names; the default one where there is no configuration at all. null: the configuration
 * is wrong, which is on standard error then. Of a file nothing but the socket is looked at, unless it is not to be understood.
 */
export async function configuredSocket(configFlag: string | null, io: Io): Promise<string | null> {
  const named = configFlag ?? io.env['PATRONI_ROUTER_CONFIG'] ?? ''
  if (named === '' && !existsSync(DEFAULT_CONFIG_FILE)) return DEFAULT_ADMIN_SOCKET
  return (await socketIn(named === '' ? DEFAULT_CONFIG_FILE : named)) ?? whatIsWrong(configFlag, io)
}

/** null: it cannot be seen so easily. */
async function socketIn(file: string): Promise<string | null> {
  try {
    const text = readFileSync(file, 'utf8')
    const [, quoted, plain] = SOCKET.exec(text) ?? []
    const seen = quoted ?? plain ?? (text.includes('admin') ? null : DEFAULT_ADMIN_SOCKET)
    return seen ?? (await parsedSocket(text))
  } catch {
    // Reading it in earnest says what is wrong.
    return null
  }
}

/**
 * How nearly everybody writes it, at the top and alone in its section: seen without the parser, whose loading takes longer
 * than all the rest of `track`.
 */
const SOCKET = /^admin:[ \t]*(?:\{ *|\n[ \t]+)socket: +(?:'(\/[^'\\\n]+)'|(\/[\w./-]+)) *\}?[ \t]*\n(?=\S|$)/m

async function parsedSocket(text: string): Promise<string | null> {
  const { parse } = await import('yaml')
  const { admin = null } = (parse(text) ?? {}) as { admin?: unknown }
  if (admin === null) return DEFAULT_ADMIN_SOCKET
  const socket: unknown = typeof admin === 'object' && 'socket' in admin ? admin.socket : DEFAULT_ADMIN_SOCKET
  return typeof socket === 'string' && socket.startsWith('/') ? socket : null
}

async function whatIsWrong(configFlag: string | null, io: Io): Promise<string | null> {
  const { loadOrReport } = await import('./load.ts')
  const loaded = await loadOrReport(configFlag, io)
  if (loaded === null) io.err(ADVICE)
  return loaded?.config.admin.socket.path ?? null
}
