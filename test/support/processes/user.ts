import { execFileSync } from 'node:child_process'

export type SystemUser = { readonly uid: number; readonly gid: number }

const KNOWN = new Map<string, SystemUser>()

/** The ids of a user of this system, or null when we are not root and run everything as ourselves. */
export function systemUser(name: string): SystemUser | null {
  if (process.getuid?.() !== 0) return null
  const known = KNOWN.get(name)
  if (known !== undefined) return known
  const [, , uid, gid] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':')
  const user = { uid: Number(uid), gid: Number(gid) }
  KNOWN.set(name, user)
  return user
}
