import type { Io } from './io.ts'
import { keepYoungGenerationSmall } from './young-generation.ts'

/**
 * Runs the command line `args` and returns the exit code. Never rejects. `track`, which is run every second, does not
 * load the description of all commands: Node's own parser is enough, and everything else is left to the program.
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  if (args[0] === 'track') {
    const { trackAtOnce } = await import('./track.ts')
    const code = await trackAtOnce(args.slice(1), io)
    if (code !== null) return code
  }
  if (args[0] === 'run') keepYoungGenerationSmall()
  const { runProgram } = await import('./program.ts')
  return runProgram(args, io)
}
