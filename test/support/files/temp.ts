import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, realpathSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesIn } from '../processes/signals.ts'
import { systemUser } from '../processes/user.ts'
import { unref } from '../processes/unref.ts'

const REAPER = join(import.meta.dirname, 'reaper.sh')
const ENOUGH_BYTES = 2 * 1024 ** 3

/**
 * A temporary directory that owns the processes which work inside it: when it is removed, or when the test process is
 * gone for whatever reason (SIGKILL too), its reaper ends all of them and then removes the directory.
 */
export class TempDir implements AsyncDisposable {
  readonly path: string
  readonly #reaper: ChildProcess
  readonly #reaped: Promise<unknown>

  private constructor(path: string) {
    this.path = path
    this.#reaper = spawn('/bin/sh', [REAPER, path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' })
    this.#reaped = new Promise((resolve) => this.#reaper.once('exit', resolve))
    unref(this.#reaper)
  }

  /** A new directory in memory where there is room, else in the system's; readable for the user that runs PostgreSQL. */
  static create(name = 'test'): TempDir {
    const path = mkdtempSync(join(realpathSync(base()), `patroni-router-${name}-`))
    chmodSync(path, 0o755)
    return new TempDir(path)
  }

  /** Makes a subdirectory; `user` (only as root) is its owner. */
  mkdir(name: string, user?: string): string {
    const path = join(this.path, name)
    mkdirSync(path, { recursive: true, mode: 0o755 })
    const owner = user === undefined ? null : systemUser(user)
    if (owner !== null) chownSync(path, owner.uid, owner.gid)
    return path
  }

  /** The processes whose working directory is in here. */
  processes(): number[] {
    return processesIn(this.path)
  }

  /** Ends the processes, removes the directory. @throws when anything is left. */
  async remove(): Promise<void> {
    this.#reaper.ref()
    this.#reaper.stdin?.end()
    await this.#reaped
    const left = this.processes()
    if (left.length > 0 || existsSync(this.path)) throw new Error(`${this.path} is left, processes ${left.join(' ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }
}

function base(): string {
  try {
    const memory = statfsSync('/dev/shm')
    if (memory.bavail * memory.bsize > ENOUGH_BYTES) return '/dev/shm'
  } catch {
    // No such file system here: the system's directory does as well, only slower.
  }
  return tmpdir()
}
