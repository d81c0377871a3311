/** `check --diff`: what a reload of the running router would change. */
import { previewText, sourceOf } from '../../admin/reload-text.ts'
import type { Config } from '../../config/config.ts'
import { RouterError } from '../../errors.ts'
import { interruptible } from '../interruptible.ts'
import type { Io } from '../io.ts'
import { exitCodeOf, print } from '../reload.ts'
import { askRunning, isSameFile } from '../running-router.ts'

/**
 * Shows what a reload of the running router would change. `named`: its socket, where that is not the configured one.
 * Rejects with ADMIN_UNAVAILABLE, and with CONFIG_INVALID where the router reads another file.
 */
export async function showDiff({ file, admin }: Config, named: string | undefined, io: Io): Promise<number> {
  const socket = named ?? admin.socket.path
  const work = async (signal: AbortSignal): Promise<number> => {
    const report = await askRunning({ command: 'show reload', socket, isNamed: named !== undefined, file, signal })
    if (!(await isSameFile(file, report.file))) {
      const message = `the running router reads ${sourceOf(report)}, and this is ${sourceOf({ file })}: check that one`
      throw new RouterError('CONFIG_INVALID', message)
    }
    print(previewText(report), io)
    return exitCodeOf(report)
  }
  return await interruptible(io, work, { note: 'interrupted' })
}
