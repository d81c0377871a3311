// The command line in a Node that is new enough. Besides main.ts, which loads it, the only module that touches
// `process`.
import { readFileSync } from 'node:fs'
import inspector from 'node:inspector'
import { join } from 'node:path'
import type { Io, Signal } from './cli/io.ts'
import { runCommandLine } from './cli/command-line.ts'
import { ignoredSignals } from './cli/signals.ts'
import { failureOf } from './errors.ts'

for (const signal of ignoredSignals(process.argv.slice(2))) process.on(signal, () => undefined)
closeDebugger()
// A debugger that was requested before the line above may open only now.
setImmediate(closeDebugger)

const outputLost = new AbortController()
// Without a listener a reader that has gone (`| head`) would end the process with a stack trace.
process.stdout.on('error', () => outputLost.abort())
process.stderr.on('error', () => undefined)

const io: Io = {
  env: process.env,
  version: version(),
  nodeVersion: process.version,
  pid: process.pid,
  memoryLimit: () => process.constrainedMemory(),
  monotonicUsec: () => process.hrtime.bigint() / 1000n,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // A terminal that does not know its size says 0: a serial console, or one that a script has opened.
  columns: () => (process.stdout.isTTY ? process.stdout.columns || 80 : null),
  rows: () => (process.stdout.isTTY ? process.stdout.rows || 24 : null),
  outputLost: outputLost.signal,
  onKey(handler) {
    const { stdin, stdout } = process
    if (!stdin.isTTY || !stdout.isTTY || process.env['TERM'] === 'dumb') return null
    // What begins with an escape character is one key, an arrow for example.
    const onData = (data: Buffer): void =>
      (data[0] === 0x1b ? [data.toString()] : Array.from(data.toString())).forEach((key) => handler(key))
    stdin.setRawMode(true).on('data', onData).resume()
    return () => void stdin.off('data', onData).setRawMode(false).pause()
  },
  onSignal(signals, handler) {
    const listener = (name: NodeJS.Signals): void => handler(name as Signal)
    for (const name of signals) process.on(name, listener)
    return () => {
      for (const name of signals) process.off(name, listener)
    }
  },
  onFault(handler) {
    process.on('uncaughtException', handler).on('unhandledRejection', handler)
    return () => void process.off('uncaughtException', handler).off('unhandledRejection', handler)
  },
  signalGroup(pid, signal) {
    try {
      return process.kill(-pid, signal)
    } catch {
      // All of them have ended, or belong to another user by now.
      return false
    }
  },
  isAlive(pid) {
    try {
      return process.kill(pid, 0)
    } catch (error) {
      // Another user's process may not be signalled, and is there.
      return failureOf(error) === 'denied'
    }
  },
}

// It ends here whatever is still open: a stuck connection must not keep a stopped router alive.
process.exit(await runCommandLine(process.argv.slice(2), io))

/** Closes a debugger that was not requested with `--inspect`: a SIGUSR1 came before it could be ignored. */
function closeDebugger(): void {
  const isWanted = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((text) => text.includes('--inspect'))
  if (!isWanted && inspector.url() !== undefined) inspector.close()
}

/** Returns the version of the package, the same from src/ and from dist/. */
function version(): string {
  const file = join(import.meta.dirname, '..', 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
