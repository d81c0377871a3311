/** Numbers of users and groups. Node has no lookup for them: `getent` uses the system's. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { USUAL_PATH } from './usual-path.ts'

/** Directories of users can be far away. Milliseconds. */
const TIMEOUT_MS = 5000
/** The last one means "leave it" to chown. */
const MAX_ID = 2 ** 32 - 2

export type AccountKind = 'user' | 'group'

const DATABASES = { user: 'passwd', group: 'group' } as const

/** Looks each name up once; an unknown one again each time. */
export class AccountIds {
  readonly #known = new Map<string, Promise<number>>()

  /** Returns the number of a user or a group, by its name or number. Rejects with `there is no group web` or the like. */
  async idOf(kind: AccountKind, name: string): Promise<number> {
    if (/^\d+$/.test(name)) {
      if (Number(name) <= MAX_ID) return Number(name)
      throw new Error(`there is no ${kind} ${name}`)
    }
    const key = `${kind} ${name}`
    const asked = this.#known.get(key) ?? ask(DATABASES[kind], name)
    this.#known.set(key, asked)
    try {
      return await asked
    } catch (cause) {
      this.#known.delete(key)
      const why = cause instanceof Unknown ? `there is no ${kind} ${name}` : `the ${kind} ${name} cannot be looked up`
      throw new Error(why, cause instanceof Unknown ? {} : { cause })
    }
  }
}

class Unknown extends Error {}

async function ask(database: (typeof DATABASES)[AccountKind], name: string): Promise<number> {
  // It would be read as an option.
  if (name.startsWith('-')) throw new Unknown()
  const options = { env: { PATH: USUAL_PATH }, timeout: TIMEOUT_MS, encoding: 'utf8' as const }
  const answer = await promisify(execFile)('getent', [database, name], options).catch((error: unknown) => {
    // Of getent itself: 2 is "not found". Its message would repeat the command.
    throw error instanceof Error && 'code' in error && error.code === 2 ? new Unknown() : error
  })
  const id = Number(answer.stdout.split(':')[2] ?? 'none')
  if (!Number.isSafeInteger(id) || id < 0 || id > MAX_ID) throw new Unknown()
  return id
}
