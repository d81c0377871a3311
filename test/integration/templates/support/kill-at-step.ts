/**
 * Loaded into a router under test (`NODE_OPTIONS=--import=`): once the file KILL_AT is there it kills the process by
 * SIGKILL right before the call of that number, counted from then on, among all that change what is on the disk.
 */
import { existsSync, promises, readFileSync, unlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'

const file = process.env['KILL_AT'] ?? ''
let steps = 0

function step(): void {
  if (!existsSync(file)) return
  if (++steps < Number(readFileSync(file, 'utf8'))) return
  unlinkSync(file)
  // Otherwise the next router, too, would have to compile everything.
  flushCompileCache()
  process.kill(process.pid, 'SIGKILL')
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
