import { visible } from '../text/terminal.ts'
import { formatProblems } from '../config/file/problem.ts'
import type { LoadedConfig } from '../config/load.ts'
import { readConfig } from '../config/read.ts'
import { explain } from '../errors.ts'
import { DCS_KINDS } from '../watcher/dcs/kinds.ts'
import type { Io } from './io.ts'

/** Loads the configuration; null: it is wrong, and everything that is wrong is on standard error. */
export async function loadOrReport(
  configFlag: string | null,
  io: Pick<Io, 'env' | 'err'>,
): Promise<LoadedConfig | null> {
  try {
    const result = await readConfig({ configFlag, env: io.env }, DCS_KINDS)
    if (result.ok) return result
    for (const warning of result.warnings) io.err(`warning: ${visible(warning)}\n`)
    io.err(`${formatProblems(result.problems)}\n`)
  } catch (error) {
    io.err(`patroni-router: ${explain(error)}\n`)
  }
  return null
}
