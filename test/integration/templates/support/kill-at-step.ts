/**
 * Loaded into a router under test (`NODE_OPTIONS=--import=`): once the file KILL_AT is there it kills the process by
 * SIGKILL right before the call of that number, counted from then on, among all that change what is on the disk.
 */
import { promises, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'
import { isRemoved } from './removed.ts'

const file = process.env['KILL_AT'] ?? ''
let steps = 0

function step(): void {
  const killAt = numberIn(file)
  // The test removes it when all is done.
  if (killAt === null || ++steps < killAt || !isRemoved(file)) return
  // Otherwise the next router, too, would have to compile everything.
  flushCompileCache()
  process.kill(process.pid, 'SIGKILL')
}

/** Returns the number in a file; null: it is not there. */
function numberIn(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

function killing<This, Args extends unknown[], Result>(
  call: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  return function (this: This, ...args: Args) {
    step()
    return call.apply(this, args)
  }
}

const handle = await open(import.meta.filename)
const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'sync' | 'writeFile'>
await handle.close()
prototype.sync = killing(prototype.sync)
prototype.writeFile = killing(prototype.writeFile)
promises.rename = killing(promises.rename)
promises.link = killing(promises.link)
promises.unlink = killing(promises.unlink)
syncBuiltinESMExports()
