import { readFileSync } from 'node:fs'
import { counted } from '../../src/text/wording.ts'

/** Besides those of the sessions. */
const OTHERS = 500

/** Checks that processes may have the files open that so many sessions need. @throws with the limit, and how to raise it. */
export function requireDescriptors(sessions: number): void {
  const needed = 2 * sessions + OTHERS
  const [, hard = '0'] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  if (hard !== 'unlimited' && Number(hard) < needed)
    throw new Error(
      `${counted(sessions, 'session')}: the hard limit of descriptors (ulimit -Hn) is ${hard}, not ${needed}`,
    )
}
