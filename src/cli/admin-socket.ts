/** Which socket a command asks. */
import { existsSync } from 'node:fs'
import { visible } from '../admin/terminal.ts'
import { DEFAULT_ADMIN_SOCKET, DEFAULT_CONFIG_FILE } from '../config/defaults.ts'
import { readTextFile } from '../text-file.ts'
import type { Io } from './io.ts'

const ADVICE = 'To ask the router nevertheless, name its socket with --socket PATH\n'

/**
 * The socket that the configuration names; the default one where there is no configuration at all. null: the configuration
 * is wrong, which is on standard error then. Of a file nothing but the socket is looked at, unless it is not to be understood.
 */
export async function configuredSocket(configFlag: string | null, io: Io): Promise<string | null> {
  const named = configFlag ?? io.env['PATRONI_ROUTER_CONFIG'] ?? ''
  if (named === '' && !existsSync(DEFAULT_CONFIG_FILE)) return DEFAULT_ADMIN_SOCKET
  const name = named === '' ? DEFAULT_CONFIG_FILE : named
  // Not what waits for somebody to write: whoever asks every second has to come to an end.
  const file = await readTextFile(name, MAX_BYTES)
  if (file.kind !== 'unusable')
    return (file.kind === 'text' ? await socketIn(file.text) : null) ?? whatIsWrong(configFlag, io)
  io.err(`patroni-router: the configuration file ${visible(name)} ${visible(file.reason)}\n${ADVICE}`)
  return null
}

const MAX_BYTES = 16 * 1024 * 1024

/** null: reading it in earnest says what is wrong. */
async function socketIn(text: string): Promise<string | null> {
  if (!text.includes('<<')) {
    const [, quoted, plain] = SOCKET.exec(text) ?? []
    const seen = quoted ?? plain ?? (text.includes('admin') ? null : DEFAULT_ADMIN_SOCKET)
    if (seen !== null) return seen
  }
  const { parseYaml } = await import('../config/yaml.ts')
  const yaml = parseYaml(text)
  const root = yaml.ok ? (yaml.value as { readonly admin?: unknown } | null) : null
  if (!yaml.ok || typeof (root ?? {}) !== 'object') return null
  const { admin = null } = root ?? {}
  if (admin === null) return DEFAULT_ADMIN_SOCKET
  const socket: unknown = typeof admin === 'object' && 'socket' in admin ? admin.socket : DEFAULT_ADMIN_SOCKET
  return typeof socket === 'string' && socket.startsWith('/') ? socket : null
}

/**
 * How nearly everybody writes it, at the top and alone in its section: seen without the parser, whose loading takes longer
 * than all the rest of `track`.
 */
const SOCKET = /^admin:[ \t]*(?:\{ *|\n[ \t]+)socket: +(?:'(\/[^'\\\n]+)'|(\/[\w./-]+)) *\}?[ \t]*\n(?=\S|$)/m

async function whatIsWrong(configFlag: string | null, io: Io): Promise<string | null> {
  const { loadOrReport } = await import('./load.ts')
  const loaded = await loadOrReport(configFlag, io)
  if (loaded === null) io.err(ADVICE)
  return loaded?.config.admin.socket.path ?? null
}
