/** Which users can connect to the admin socket: group and permissions of the socket, and of the directory made for it. */
import { chmod, chown, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AccountIds } from '../account-ids.ts'
import { makeDirectories, makeDirectory } from '../directories.ts'
import { explain, failureOf, RouterError } from '../errors.ts'

export interface AccessSettings {
  /** Permission bits; null: 0660 with a group, else what the umask leaves to owner and group. */
  readonly mode: number | null
  /** Name or number; null: that of the router's own user. */
  readonly group: string | null
}

/** Whose a file is, and its permissions. */
interface Access {
  readonly gid: number
  readonly mode: number
}

/** For chown: as it is. */
const SAME = -1

export class SocketAccess {
  readonly #path: string
  readonly #ids = new AccountIds()
  /** As the socket was made; null: it has not been made. */
  #socket: Access | null = null
  /** The same of the directory; null: it was there already, and is left alone. */
  #directory: Access | null = null

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Creates the directory of the socket. Only the innermost one is the router's own, with mode 0700: a user who can enter
   * it can read the state of the router. Rejects with BIND_FAILED.
   */
  async makeDirectory(): Promise<void> {
    const directory = dirname(this.#path)
    try {
      await makeDirectories(dirname(directory))
      const isNew = await makeDirectory(directory, 0o700)
      if (isNew) this.#directory = await accessOf(directory)
    } catch (cause) {
      throw this.#failure(`cannot create its directory: ${explain(cause)}`, cause)
    }
  }

  /** Rejects with BIND_FAILED, which names the group, where there is none of that name. */
  async check({ group }: AccessSettings): Promise<void> {
    await this.#gidOf(group)
  }

  /**
   * Gives the socket that was just made, or was given before, group and permissions. Rejects with BIND_FAILED: a group
   * that it cannot be given to is named with the remedy, and everything is as it was.
   */
  async apply(settings: AccessSettings): Promise<void> {
    const { mode, group } = settings
    const gid = await this.#gidOf(group)
    const made = (this.#socket ??= await accessOf(this.#path))
    try {
      // The directory last: it opens the way to a socket that is as it has to be.
      await give(this.#path, gid ?? made.gid)
      await chmod(this.#path, mode ?? (gid === null ? made.mode & 0o770 : 0o660))
      const own = this.#directory
      if (own === null) return
      await give(dirname(this.#path), gid ?? own.gid)
      await chmod(dirname(this.#path), letsGroupIn(settings) ? 0o750 : 0o700)
    } catch (cause) {
      const isDenied = failureOf(cause) === 'denied' && group !== null
      const remedy = `only root and a member of that group can do that: with systemd, SupplementaryGroups=${group ?? ''}`
      throw this.#failure(isDenied ? `it cannot be given to the group ${group}: ${remedy}` : explain(cause), cause)
    }
  }

  /** Returns why the group of the socket cannot connect, with the remedy; null: it can, or is not to. */
  async obstacle(settings: AccessSettings): Promise<string | null> {
    if (!letsGroupIn(settings) || this.#directory !== null) return null
    const directory = dirname(this.#path)
    const [{ gid, mode }, socket] = await Promise.all([accessOf(directory), accessOf(this.#path)])
    if ((mode & 0o001) !== 0 || (gid === socket.gid && (mode & 0o010) !== 0)) return null
    const name = settings.group ?? String(socket.gid)
    const remedy =
      gid === socket.gid ? `chmod g+x ${directory}` : `chgrp ${name} ${directory} && chmod g+x ${directory}`
    const why = `${directory} was there before and has mode ${mode.toString(8).padStart(4, '0')}, group ${gid}`
    return `the group ${name} cannot enter its directory: ${why}: ${remedy}`
  }

  async #gidOf(group: string | null): Promise<number | null> {
    if (group === null) return null
    try {
      return await this.#ids.idOf('group', group)
    } catch (cause) {
      throw this.#failure(`${explain(cause)}: create it, or correct admin.group`, cause)
    }
  }

  #failure(reason: string, cause: unknown): RouterError {
    return new RouterError('BIND_FAILED', `cannot open the admin socket ${this.#path}: ${reason}`, { cause })
  }
}

function letsGroupIn({ mode, group }: AccessSettings): boolean {
  return mode === null ? group !== null : (mode & 0o020) !== 0
}

/** Gives a file to a group, unless it has that group: a hardened unit forbids the system call itself (`SystemCallFilter`). */
async function give(path: string, gid: number): Promise<void> {
  if ((await accessOf(path)).gid !== gid) await chown(path, SAME, gid)
}

async function accessOf(path: string): Promise<Access> {
  const { gid, mode } = await stat(path)
  return { gid, mode: mode & 0o7777 }
}
