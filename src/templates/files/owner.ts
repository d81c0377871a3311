/** Numbers of users and groups. Node has no lookup for them: `getent` uses the system's. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { explain, RouterError } from '../../errors.ts'
import type { Target } from './destination.ts'

export interface Owner {
  /** null: as the file that is there. */
  readonly uid: number | null
  readonly gid: number | null
}

/** Directories of users can be far away. Milliseconds. */
const TIMEOUT_MS = 5000
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** The last one means "leave it" to chown. */
const MAX_ID = 2 ** 32 - 2

/** Looks each name up once; an unknown one again each time. */
export class Owners {
  readonly #known = new Map<string, Promise<number>>()

  /** Rejects with TEMPLATE_FAILED for unknown names: it names both. */
  async resolve({ destination, owner, group }: Target): Promise<Owner> {
    const [uid, gid] = await Promise.allSettled([
      owner === null ? null : this.#idOf('passwd', owner),
      group === null ? null : this.#idOf('group', group),
    ])
    if (uid.status === 'fulfilled' && gid.status === 'fulfilled') return { uid: uid.value, gid: gid.value }
    const reasons = [uid, gid].flatMap((each) => (each.status === 'rejected' ? explain(each.reason) : []))
    throw new RouterError('TEMPLATE_FAILED', `${destination}: ${reasons.join(', and ')}`)
  }

  /** Rejects with what can follow the name of a file. */
  async #idOf(database: 'passwd' | 'group', name: string): Promise<number> {
    const noun = database === 'passwd' ? 'user' : 'group'
    if (/^\d+$/.test(name)) {
      if (Number(name) <= MAX_ID) return Number(name)
      throw new RouterError('TEMPLATE_FAILED', `there is no ${noun} ${name}`)
    }
    const key = `${database} ${name}`
    const asked = this.#known.get(key) ?? ask(database, name)
    this.#known.set(key, asked)
    try {
      return await asked
    } catch (cause) {
      this.#known.delete(key)
      const why = cause instanceof Unknown ? `there is no ${noun} ${name}` : `the ${noun} ${name} cannot be looked up`
      throw new RouterError('TEMPLATE_FAILED', why, cause instanceof Unknown ? {} : { cause })
    }
  }
}

class Unknown extends Error {}

async function ask(database: 'passwd' | 'group', name: string): Promise<number> {
  // It would be read as an option.
  if (name.startsWith('-')) throw new Unknown()
  const options = { env: { PATH }, timeout: TIMEOUT_MS, encoding: 'utf8' as const }
  const answer = await promisify(execFile)('getent', [database, name], options).catch((error: unknown) => {
    // Of getent itself: 2 is "not found". Its message would repeat the command.
    throw error instanceof Error && 'code' in error && error.code === 2 ? new Unknown() : error
  })
  const id = Number(answer.stdout.split(':')[2] ?? 'none')
  if (!Number.isSafeInteger(id) || id < 0 || id > MAX_ID) throw new Unknown()
  return id
}
