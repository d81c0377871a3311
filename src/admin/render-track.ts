/** What the track files say, as lines for a person. */
import type { TrackFileStatus } from '../track/status.ts'
import type { Note } from './render-templates.ts'
import { age } from '../text/wording.ts'

/** Those first that do not say what they should. `now`: see `templateNotes`. The texts are not for a terminal as they are. */
export function trackNotes(files: readonly TrackFileStatus[], now: number): readonly Note[] {
  const sorted = files.toSorted((one, other) => Number(other.error !== null) - Number(one.error !== null))
  return sorted.map((file) => ['Track', textOf(file, now)])
}

function textOf({ path, when, member, holds, reason, since, error }: TrackFileStatus, now: number): string {
  const what = member === null ? when : `${when} ${member}`
  const value = holds === true ? '1' : holds === false ? '0' : '0 (not known)'
  const wrong = error === null ? '' : `; CANNOT BE WRITTEN: ${error}`
  return `${path}: ${value} for ${age(now - since)}, ${what}: ${reason}${wrong}`
}
