import { unlinkSync } from 'node:fs'

/** Removes a file; false: another process was first. */
export function isRemoved(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch {
    return false
  }
}
