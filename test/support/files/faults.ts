/** Faults of the file system, for everything in this process that works on files. */
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

export interface FileCall {
  /** As in node:fs/promises; those of a FileHandle begin with a dot. */
  readonly name: string
  /** Which one of that name it is, and which one of all; from 1. */
  readonly nth: number
  readonly step: number
  readonly args: readonly unknown[]
}

/** The error of a call, like `EIO`; `ignored`: it succeeds and does nothing; null: it is made. */
export type Fate = (call: FileCall) => string | null

type Calls = Record<string, (this: unknown, ...args: unknown[]) => Promise<unknown>>

const CALLS = ['open', 'mkdir', 'rename', 'link', 'unlink', 'lstat', 'stat', 'readdir', 'readlink', 'realpath']
const HANDLE_CALLS = ['readFile', 'writeFile', 'write', 'sync', 'chown', 'chmod', 'truncate', 'stat']

/** Does `work` with calls that fail as `fate` has it. A write that fails has written a half. */
export async function withFaults<T>(fate: Fate, work: () => Promise<T>): Promise<T> {
  const handle = await fs.open(import.meta.filename)
  const handles = Object.getPrototypeOf(handle) as Calls
  await handle.close()
  const counts = new Map<string, number>()
  let step = 0
  const restores: (() => void)[] = []
  const wrap = (calls: Calls, key: string, prefix: string): void => {
    const call = calls[key]
    if (call === undefined) throw new Error(`there is no ${key}`)
    const name = prefix + key
    calls[key] = async function (...args) {
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      const code = fate({ name, nth, step: ++step, args })
      if (code === null) return call.apply(this, args)
      if (code === 'ignored') return undefined
      if (/write/.test(name)) await half(this as FileHandle, args)
      throw Object.assign(new Error(`${code}: injected`), { code })
    }
    restores.push(() => void (calls[key] = call))
  }
  const write = handles['write']
  const half = async (file: FileHandle, [data, from = 0, length]: readonly unknown[]): Promise<void> => {
    const bytes = Buffer.from(data as string | Buffer)
    await write?.call(file, bytes, from, Math.floor(((length as number | undefined) ?? bytes.length) / 2))
  }
  for (const key of CALLS) wrap(fs as unknown as Calls, key, '')
  for (const key of HANDLE_CALLS) wrap(handles, key, '.')
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
  }
}
