/** Which socket a command asks. */
import { existsSync, statSync } from 'node:fs'
import { visible } from '../text/terminal.ts'
import { DEFAULT_ADMIN_SOCKET, DEFAULT_CONFIG_FILE } from '../config/defaults.ts'
import { readTextFile } from '../text-file.ts'
import type { Io } from './io.ts'

const ADVICE = 'To reach the router without the configuration, name its socket with --socket PATH\n'

/**
 * Finds the socket that the configuration names; the default one where there is no configuration at all. null: the
 * configuration is wrong, which is on standard error then. Of a file nothing but the socket is read, unless it cannot
 * be parsed.
 */
export async function configuredSocket(configFlag: string | null, io: Pick<Io, 'env' | 'err'>): Promise<string | null> {
  const named = configFlag ?? io.env['PATRONI_ROUTER_CONFIG'] ?? ''
  const name = named === '' && existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : named
  const texts = name === '' ? [io.env['PATRONI_CONFIGURATION'] ?? ''] : await textsOf(name, io)
  return texts === null ? null : ((await socketIn(texts)) ?? whatIsWrong(configFlag, io))
}

const MAX_BYTES = 16 * 1024 * 1024

/** Returns the texts of the file, or of a directory those of its files, in Patroni's order; null: said on standard error. */
async function textsOf(name: string, io: Pick<Io, 'env' | 'err'>): Promise<readonly string[] | null> {
  const isDirectory = statSync(name, { throwIfNoEntry: false })?.isDirectory() === true
  // Loaded only here: `track` runs every second, mostly with one file.
  const files = isDirectory ? ((await (await import('../config/file/files.ts')).filesIn(name)) ?? []) : [name]
  const texts: string[] = []
  for (const each of files) {
    // Never a pipe, which waits for a writer: `track` has to end within a second.
    const file = await readTextFile(each, MAX_BYTES)
    if (file.kind === 'unusable') {
      io.err(`patroni-router: the configuration file ${visible(each)} ${visible(file.reason)}\n${ADVICE}`)
      return null
    }
    // A missing file has no socket; reading the whole configuration reports it.
    texts.push(file.kind === 'text' ? file.text : NOTHING)
  }
  return texts
}

const NOTHING = '['

/** Returns the socket; null: only reading the whole configuration says what is wrong. */
async function socketIn(texts: readonly string[]): Promise<string | null> {
  const telling = texts.filter((text) => /admin|<</.test(text) || text === NOTHING)
  const [text] = telling
  if (text === undefined) return DEFAULT_ADMIN_SOCKET
  const [, quoted, plain] = telling.length > 1 || text.includes('<<') ? [] : (SOCKET.exec(text) ?? [])
  const seen = quoted ?? plain
  if (seen !== undefined) return seen
  const { readParts } = await import('../config/file/parts.ts')
  const parts = readParts(texts.map((each) => ({ file: '', text: each })))
  if (!parts.ok) return null
  const admin = parts.tree['admin'] ?? null
  if (admin === null) return DEFAULT_ADMIN_SOCKET
  const socket: unknown = typeof admin === 'object' && 'socket' in admin ? admin.socket : DEFAULT_ADMIN_SOCKET
  return typeof socket === 'string' && socket.startsWith('/') ? socket : null
}

/**
 * The usual form, at the top and the first of its section: seen without the parser, whose loading takes longer than all
 * the rest of `track`.
 */
const SOCKET =
  /^admin:[ \t]*(?:\{ *|\n[ \t]+)socket: +(?:'(\/[^'\\\n]+)'|(\/[\w./-]+))(?:(?:, *|[ \t]*\n[ \t]+)(?:mode|group): +'?[\w.-]+'?)* *\}?[ \t]*\n(?=\S|$)/m

async function whatIsWrong(configFlag: string | null, io: Pick<Io, 'env' | 'err'>): Promise<string | null> {
  const { loadOrReport } = await import('./load.ts')
  const loaded = await loadOrReport(configFlag, io)
  if (loaded === null) io.err(ADVICE)
  return loaded?.config.admin.socket.path ?? null
}
