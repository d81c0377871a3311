import { readFile } from 'node:fs/promises'
import { explain, failureOf, RouterError } from '../errors.ts'
import { DEFAULT_CONFIG_FILE } from './defaults.ts'
import type { Environment } from './env.ts'
import { loadConfig, type ConfigResult } from './load.ts'

export interface ConfigSource {
  /** `-c FILE`; null when it was not given. */
  readonly configFlag: string | null
  readonly env: Environment
  /** The file that may be missing. */
  readonly defaultFile?: string
}

/**
 * Loads the configuration from `-c FILE`, else `$PATRONI_ROUTER_CONFIG`, else the default file if there is one, else from
 * the environment alone. Rejects with CONFIG_UNREADABLE when a file that was named, or the default one that is there,
 * cannot be read.
 */
export async function readConfig({
  configFlag,
  env,
  defaultFile = DEFAULT_CONFIG_FILE,
}: ConfigSource): Promise<ConfigResult> {
  const variable = env['PATRONI_ROUTER_CONFIG'] ?? ''
  const named = configFlag ?? (variable === '' ? null : variable)
  const file = named ?? defaultFile
  const text = await read(file, named === null)
  return loadConfig({ file: text === null ? null : file, text, env })
}

async function read(file: string, mayBeMissing: boolean): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (mayBeMissing && failureOf(error) === 'missing') return null
    throw new RouterError('CONFIG_UNREADABLE', `cannot read the configuration file ${file}: ${explain(error)}`, {
      cause: error,
    })
  }
}
