import { readFile, stat } from 'node:fs/promises'
import { explain, failureOf, RouterError } from '../errors.ts'
import type { DcsSection } from './dcs/kind.ts'
import { DEFAULT_CONFIG_FILE } from './defaults.ts'
import type { Environment } from './env.ts'
import { filesIn } from './file/files.ts'
import { loadConfig, type ConfigResult } from './load.ts'
import type { ConfigPart } from './file/parts.ts'

export interface ConfigSource {
  /** `-c FILE`, or a directory; null when it was not given. */
  readonly configFlag: string | null
  readonly env: Environment
  /** The file that may be missing. */
  readonly defaultFile?: string
  /** It was read before. A pipe is read only once: it may be empty, or without a writer. */
  readonly isAgain?: boolean
}

/** As much as a ConfigMap has at most. YAML is parsed in one go, and no session gets on meanwhile. */
const MAX_BYTES = 1024 * 1024

/**
 * Loads the configuration from `-c FILE`, else `$PATRONI_ROUTER_CONFIG`, else the default file if there is one, else
 * from the environment alone. A directory that is named is read as Patroni reads it. Rejects with CONFIG_UNREADABLE
 * when what was named, or the default file that is there, cannot be read.
 */
export async function readConfig(source: ConfigSource, kinds: readonly DcsSection[]): Promise<ConfigResult> {
  const { env } = source
  const named = nameIn(source)
  const file = named ?? defaultOf(source)
  try {
    const files = await filesIn(file)
    if (files === null) return loadConfig({ file, text: await readText(file, source), env }, kinds)
    // Docker makes one of a mount without a source.
    if (named === null) throw unreadable(file, 'is a directory')
    return loadConfig({ file, text: await Promise.all(files.map(readPart)), env }, kinds)
  } catch (error) {
    if (named === null && failureOf(error) === 'missing') return loadConfig({ file: null, text: null, env }, kinds)
    throw error instanceof RouterError ? error : unreadable(file, whyNot(error))
  }
}

/**
 * Returns a text that is another one when the files have been written, replaced, added or removed since, links followed.
 * It reads none of them, and looks at one after the other: a file system that does not answer keeps one thread. Never
 * rejects.
 */
export async function fingerprintOf(source: ConfigSource): Promise<string> {
  const file = nameIn(source) ?? defaultOf(source)
  try {
    const parts: string[] = []
    for (const each of (await filesIn(file)) ?? [file]) {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(each, { bigint: true })
      parts.push([each, dev, ino, size, mtimeNs, ctimeNs].join(' '))
    }
    return parts.join('\n')
  } catch (error) {
    return `${file} ${explain(error)}`
  }
}

function nameIn({ configFlag, env }: ConfigSource): string | null {
  const variable = env['PATRONI_ROUTER_CONFIG'] ?? ''
  return configFlag ?? (variable === '' ? null : variable)
}

function defaultOf({ defaultFile = DEFAULT_CONFIG_FILE }: ConfigSource): string {
  return defaultFile
}

async function readPart(file: string): Promise<ConfigPart> {
  return { file, text: await readText(file) }
}

async function readText(file: string, { isAgain = false }: Pick<ConfigSource, 'isAgain'> = {}): Promise<string> {
  try {
    const found = await stat(file)
    if (isAgain && !found.isFile()) throw unreadable(file, 'is not a regular file, so it is read only at the start')
    if (found.size > MAX_BYTES) throw unreadable(file, `is larger than ${MAX_BYTES} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    throw error instanceof RouterError ? error : unreadable(file, whyNot(error))
  }
}

/** Returns why a file cannot be read, without its name: Node's own messages have it again. */
function whyNot(error: unknown): string {
  if (error instanceof TypeError) return 'is not in UTF-8'
  const failure = failureOf(error)
  return failure === 'missing' ? 'no such file' : failure === 'denied' ? 'this user may not read it' : explain(error)
}

function unreadable(file: string, why: string): RouterError {
  return new RouterError('CONFIG_UNREADABLE', `cannot read the configuration file ${file}: ${why}`)
}
