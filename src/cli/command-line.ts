import type { Io } from './io.ts'

/**
 * Runs the command line `args` and returns the exit code. Never rejects. What is run every second does not wait for all
 * the others to be described: Node's own parser does for it, and whatever that does not understand is left to the
 * program.
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  if (args[0] === 'track') {
    const { trackAtOnce } = await import('./track.ts')
    const code = await trackAtOnce(args.slice(1), io)
    if (code !== null) return code
  }
  const { runProgram } = await import('./program.ts')
  return runProgram(args, io)
}
